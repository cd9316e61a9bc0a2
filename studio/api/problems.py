"""Every refusal of the API: the field, a code, a message and what the field allows."""

from http import HTTPStatus
from math import ceil
from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig, TooManyFieldsSent
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, Throttled, ValidationError

from generation.errors import SpecError
from studio.accounts.refusals import FORBIDDEN, Forbidden, TokenRefused
from studio.api import refusals
from studio.ordering.refusals import BODY_NOT_JSON, BODY_TOO_LARGE
from studio.production.repeats import KeyReused

ALLOWED_OF = {
    "string_too_short": "at least {min_length} character",
    "string_too_long": "at most {max_length} characters",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
    "greater_than": "more than {gt}",
    "multiple_of": "multiples of {multiple_of}",
    "literal_error": "{expected}",
    "choice": "{expected}",
    "string_type": "text",
    "string_unicode": "text",
    "string_pattern_mismatch": "text of one line",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "too_short": "at least {min_length} entry",
    "too_long": "at most {max_length} entries",
    "uuid_type": "an id",
    "uuid_parsing": "an id",
    "model_attributes_type": "a JSON object",
    "finite_number": "a finite number",
    "extra_forbidden": "the fields of the API's description",
    "missing": "a value; the field is required",
}


def install(api: NinjaAPI) -> None:
    """Register the handlers of the project's exceptions."""

    @api.exception_handler(ValidationError)
    def invalid(request: HttpRequest, problem: ValidationError) -> HttpResponse:
        return _refuse(api, request, [_problem(error) for error in problem.errors])

    @api.exception_handler(SpecError)
    def unrenderable(request: HttpRequest, problem: SpecError) -> HttpResponse:
        return _refuse(api, request, [_refused(problem)])

    @api.exception_handler(PermissionDenied)
    def forbidden(request: HttpRequest, problem: PermissionDenied) -> HttpResponse:
        code = problem.code if isinstance(problem, Forbidden) else FORBIDDEN.code
        detail = str(problem) or FORBIDDEN.say()
        return api.create_response(request, {"detail": detail, "code": code}, status=403)

    @api.exception_handler(Http404)
    def missing(request: HttpRequest, problem: Http404) -> HttpResponse:
        return api.create_response(request, refusals.body(refusals.NOT_FOUND), status=404)

    @api.exception_handler(TokenRefused)
    def unknown(request: HttpRequest, problem: TokenRefused) -> HttpResponse:
        body = {"detail": str(problem), "code": problem.code}
        return api.create_response(request, body, status=401)

    @api.exception_handler(Throttled)
    def throttled(request: HttpRequest, problem: Throttled) -> HttpResponse:
        body = refusals.body(refusals.TOO_MANY_REQUESTS)
        response = api.create_response(request, body, status=429)
        response["Retry-After"] = str(ceil(problem.wait or 1))
        return response

    @api.exception_handler(KeyReused)
    def reused(request: HttpRequest, problem: KeyReused) -> HttpResponse:
        return api.create_response(request, refusals.body(refusals.KEY_REUSED), status=409)

    @api.exception_handler(RequestDataTooBig)
    def too_large(request: HttpRequest, raised: RequestDataTooBig) -> HttpResponse:
        allowed = f"at most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE} bytes"
        problem = SpecError("body", BODY_TOO_LARGE, allowed)
        return _refuse(api, request, [_refused(problem)])

    @api.exception_handler(TooManyFieldsSent)
    def too_many(request: HttpRequest, raised: TooManyFieldsSent) -> HttpResponse:
        allowed = f"at most {settings.DATA_UPLOAD_MAX_NUMBER_FIELDS} parameters"
        problem = SpecError("query", refusals.TOO_MANY_PARAMETERS, allowed)
        return _refuse(api, request, [_refused(problem)])

    @api.exception_handler(HttpError)
    def refused(request: HttpRequest, problem: HttpError) -> HttpResponse:
        # Ninja answers 400 for a body that is not JSON; here it is bad input like any other.
        if problem.status_code == HTTPStatus.BAD_REQUEST:
            unreadable = SpecError("body", BODY_NOT_JSON, "a JSON object")
            return _refuse(api, request, [_refused(unreadable)])
        body = {
            "detail": problem.message,
            "code": HTTPStatus(problem.status_code).name.lower(),
        }
        return api.create_response(request, body, status=problem.status_code)


def _refuse(api: NinjaAPI, request: HttpRequest, errors: list[dict[str, str]]) -> HttpResponse:
    detail = "; ".join(f"{error['field']}: {error['message']}" for error in errors)
    return api.create_response(request, {"detail": detail, "errors": errors}, status=422)


def _refused(problem: SpecError) -> dict[str, str]:
    return {
        "field": problem.field,
        "code": problem.code,
        "message": problem.message,
        "allowed": problem.allowed,
    }


def _problem(error: dict[str, Any]) -> dict[str, str]:
    """One of pydantic's errors. `field` is the request's field, not the one of a nested model."""
    _source, *place = error["loc"]
    if place[:1] == ["payload"]:
        del place[0]
    template = ALLOWED_OF.get(error["type"])
    allowed = template.format(**error.get("ctx", {})) if template else ""
    field = str(place[0]) if place else "body"
    return {"field": field, "code": error["type"], "message": error["msg"], "allowed": allowed}
