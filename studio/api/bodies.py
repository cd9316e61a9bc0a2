"""Which bodies a call takes, and the refusals that its description names."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponseBase, JsonResponse

from studio.api import refusals
from studio.api.schemas import ProblemsOut, Refused

ALWAYS: dict[int, Any] = {401: Refused, 503: Refused}
"""What every call may answer: no valid token, and a database or storage that is away."""
REFUSALS: dict[int, Any] = {403: Refused, 422: ProblemsOut, **ALWAYS}
MISSING: dict[int, Any] = {403: Refused, 404: Refused, **ALWAYS}

Call = Callable[..., HttpResponseBase]


def json_only(call: Call) -> Call:
    """Refuse a body that is not declared as JSON, before anything reads it.

    A web page of another site can send forms and text, but not JSON, without our consent.
    """

    @wraps(call)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.content_type == "application/json":
            return call(request, *args, **kwargs)
        return JsonResponse(refusals.body(refusals.NOT_DECLARED_JSON), status=415)

    return checked


def json_if_any(call: Call) -> Call:
    """The same for calls that need no body."""

    @wraps(call)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        return (json_only(call) if _has_body(request) else call)(request, *args, **kwargs)

    return checked


def _has_body(request: HttpRequest) -> bool:
    try:
        return bool(request.body)
    except RequestDataTooBig:
        # The call reads it again, where the refusal has its sentence.
        return True
