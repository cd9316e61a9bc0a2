"""Addresses that buttons post to, and that a browser may open like a page afterwards."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpResponse, HttpResponseNotAllowed
from django.shortcuts import redirect

from studio.accounts.person_request import PersonRequest


def posted_from(
    page: str, *parts: str
) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """Accept POST only, and lead who opens the address to the page with the buttons.

    An answer that is a page, such as one with errors, leaves the address in the browser's bar. From
    there a login, a reload or a bookmark leads back by GET. `parts` are the parts of the address
    that the page's address has too.
    """

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def answered(request: PersonRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method == "POST":
                return view(request, *args, **kwargs)
            if request.method in ("GET", "HEAD"):
                return redirect(page, **{part: kwargs[part] for part in parts})
            return HttpResponseNotAllowed(["POST", "GET", "HEAD"])

        return answered

    return decorate
