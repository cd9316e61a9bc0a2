"""What a live page needs to know of itself."""

from typing import Any

from django.utils import timezone


def live(topic: str, key: str = "") -> dict[str, Any]:
    """The page's socket path with the moment of its paint; events since then make it refresh."""
    path = f"/ws/live/{topic}/{key}/" if key else f"/ws/live/{topic}/"
    return {"live_path": path, "painted": timezone.now().isoformat()}
