"""When a request arrived: what its page shows is at least that new."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

ARRIVED = "arrived"
"""The attribute that PersonRequest names."""


def arrival(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware: puts the moment on the request before anything is read from the database.

    A page names this moment when its socket opens, and is told to refresh if anything happened
    since. A moment taken later would hide what happened between the reading and the painting.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        setattr(request, ARRIVED, timezone.now())
        return get_response(request)

    return middleware
