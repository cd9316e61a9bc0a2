"""The context of pages with live updates."""

from typing import Any

from django.utils.encoding import iri_to_uri

from studio.accounts.person_request import PersonRequest


def live(request: PersonRequest, topic: str, key: str = "") -> dict[str, Any]:
    """The page's socket path and the request's arrival time; later events refresh the page."""
    path = f"/ws/live/{topic}/{key}/" if key else f"/ws/live/{topic}/"
    return {"live_path": iri_to_uri(path), "painted": request.arrived.isoformat()}
