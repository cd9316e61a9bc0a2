"""The person's time zone, which their browser tells by a cookie."""

from collections.abc import Callable
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

COOKIE = "genga_zone"
"""Set by `static/js/times.js`."""


def time_zone(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware that shows times in the person's zone; without a known one, in TIME_ZONE."""

    def middleware(request: HttpRequest) -> HttpResponse:
        name = request.COOKIES.get(COOKIE, "")
        with timezone.override(ZoneInfo(name) if name in _names() else None):
            return get_response(request)

    return middleware


@cache
def _names() -> set[str]:
    return available_timezones()
