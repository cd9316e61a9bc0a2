"""The time at which a request arrived."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

ARRIVED = "arrived"
"""The attribute that PersonRequest names."""


def arrival(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware that sets the time on the request before anything is read from the database.

    A page sends this time when its socket opens, and refreshes if an event happened since. A later
    time would hide events between the queries and the rendering of the page.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        setattr(request, ARRIVED, timezone.now())
        return get_response(request)

    return middleware
