"""Forms that are sent twice, by a double click or by a reload, make one thing."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect

from studio.accounts.person_request import PersonRequest
from studio.presentation import flash, one_time
from studio.production.repeats import Answer, answer_to, fingerprint_of
from studio.views import drafts

NOT_TYPED = {"csrfmiddlewaretoken", drafts.FIELD}
"""Fields that differ between two clicks on one button."""


def made_once(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Lead the second click on a button to where the first one led, with the same message.

    A form without a one-time value is always new. So is a form with the value of another one but
    with different fields: somebody went back and changed it. An answer that is no redirect, or that
    says what was wrong, is not kept.
    """

    @wraps(view)
    def answered(request: PersonRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        key = key_of(request)
        if key is None:
            return view(request, *args, **kwargs)
        with answer_to(request.user, key, "") as answer:
            if answer.known:
                return _again(request, answer)
            response = view(request, *args, **kwargs)
            if isinstance(response, HttpResponseRedirect) and not flash.has_error(request):
                said = flash.shown(request)
                answer.keep(response.status_code, {"place": response.url, "said": said})
            return response

    return answered


def key_of(request: PersonRequest) -> str | None:
    """The key of a form by all that was typed in it; None without a one-time value."""
    if not request.POST.get(one_time.FIELD):
        return None
    fields = sorted(
        (name, values) for name, values in request.POST.lists() if name not in NOT_TYPED
    )
    # A script's keys hold no space.
    return f"page {fingerprint_of(request.path, json.dumps(fields))}"


def _again(request: PersonRequest, answer: Answer) -> HttpResponse:
    flash.show_again(request, answer.body["said"])
    return HttpResponseRedirect(answer.body["place"])
