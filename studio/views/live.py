"""What a live page needs to know of itself."""

from typing import Any

from studio.accounts.person_request import PersonRequest


def live(request: PersonRequest, topic: str, key: str = "") -> dict[str, Any]:
    """The page's socket path with the moment it was asked for; events since then refresh it."""
    path = f"/ws/live/{topic}/{key}/" if key else f"/ws/live/{topic}/"
    return {"live_path": path, "painted": request.arrived.isoformat()}
