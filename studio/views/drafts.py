"""Which typed forms were taken, so that the page that keeps their text can drop it."""

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from studio.presentation import flash

TAKEN = "genga_taken_{draft}"
"""The name of the cookie; `static/js/drafts.js` looks for it and deletes it."""

TAKEN_SECONDS = 300
"""How long the next page may take to load."""

FIELD = "draft"
"""The field with the draft's id, another one for every time that a form is sent."""

DRAFT = re.compile(r"[0-9a-f]{16}")
_TAKEN = "form_was_taken"


def drafts(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware that sets a cookie for the page when a form with a draft's id was successful.

    Successful is a redirect without a message that refuses, unless it was marked as not taken. The
    admin site answers a refused form with a page, so its messages may be about what was saved; it
    leads to its index from a row that somebody has deleted. Whatever else happens to a form, the
    page keeps what was typed.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.method == "POST" and _was_taken(request, response):
            draft = request.POST.get(FIELD, "")
            if DRAFT.fullmatch(draft):
                cookie = TAKEN.format(draft=draft)
                response.set_cookie(cookie, "1", max_age=TAKEN_SECONDS, samesite="Lax")
        return response

    return middleware


def taken(request: HttpRequest) -> None:
    """Mark the form of a request as successful, for a view that answers with a page."""
    setattr(request, _TAKEN, True)


def not_taken(request: HttpRequest) -> None:
    """Mark the form of a request as refused before any view saw it."""
    setattr(request, _TAKEN, False)


def _was_taken(request: HttpRequest, response: HttpResponse) -> bool:
    if hasattr(request, _TAKEN):
        return bool(getattr(request, _TAKEN))
    if response.status_code not in (302, 303):
        return False
    index = reverse("admin:index")
    if request.path.startswith(index):
        return response.headers["Location"] != index
    return not flash.has_refused(request)
