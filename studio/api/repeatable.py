"""Calls that may be sent twice: the header `Idempotency-Key` names a request."""

import re
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponseBase
from ninja.decorators import decorate_view
from ninja.operation import Operation
from ninja.utils import contribute_operation_callback

from generation.errors import SpecError
from studio.accounts import access
from studio.accounts.person_request import PersonRequest
from studio.api import refusals
from studio.api.lookups import changeable_job
from studio.api.schemas import ProblemsOut, Refused
from studio.production.repeats import answer_to, fingerprint_of

KEY = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
"""The response's header: this is the answer of an earlier request."""

ALLOWED = "1 to 200 visible ASCII characters"
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_MARK = "is_replay"

REPEATED: dict[int, Any] = {409: Refused, 422: ProblemsOut}
"""The refusals of every repeatable call."""

PARAMETER = {
    "in": "header",
    "name": KEY,
    "required": False,
    "description": f"Names the request, in {ALLOWED}. A second request of the same person with "
    "the same key and body gets the answer of the first for a day; another body gets 409.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,200}$"},
}

REPLAYED_HEADER = {
    "description": "This is the answer of an earlier request of the same key.",
    "schema": {"type": "string", "const": "true"},
}


def repeatable(call: Callable[..., Any]) -> Callable[..., Any]:
    """Let the header name a request, so that it can be sent again when its answer was lost.

    The call answers with an object that names its job in `job_id`. Refusals are not kept.
    """

    @wraps(call)
    def answered(request: PersonRequest, *args: Any, **kwargs: Any) -> Any:
        key = _key_of(request)
        if key is None:
            return call(request, *args, **kwargs)
        fingerprint = fingerprint_of(request.method, request.path, request.body)
        with answer_to(request.user, key, fingerprint) as answer:
            if answer.known:
                _check_rights(request, answer.body)
                setattr(request, _MARK, True)
                return answer.status, answer.body
            status, body = call(request, *args, **kwargs)
            if status < 400:
                answer.keep(status, body)
            return status, body

    contribute_operation_callback(answered, _describe)
    return decorate_view(_marked)(answered)


def _key_of(request: PersonRequest) -> str | None:
    """The key; None without one. Raises SpecError for one that is not allowed."""
    key = request.headers.get(KEY)
    if key is not None and not _KEY.fullmatch(key):
        raise SpecError(KEY, refusals.KEY_NOT_ALLOWED, ALLOWED)
    return key


def _check_rights(request: PersonRequest, body: dict[str, Any]) -> None:
    """Raise Forbidden for a caller who may no longer change the job of the answer."""
    # A job that was deleted since has no rights to check.
    with suppress(Http404):
        access.take_to_build_on(request.user, changeable_job(request, UUID(body["job_id"])))


def _marked(run: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Set the header on the answers of earlier requests."""

    @wraps(run)
    def marking(request: PersonRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = run(request, *args, **kwargs)
        if hasattr(request, _MARK) and response.status_code < 400:
            response[REPLAYED] = "true"
        return response

    return marking


def _describe(operation: Operation) -> None:
    marked = {"headers": {REPLAYED: REPLAYED_HEADER}}
    operation.openapi_extra = {
        **(operation.openapi_extra or {}),
        "parameters": [PARAMETER],
        "responses": {code: marked for code in (200, 202) if code in operation.response_models},
    }
