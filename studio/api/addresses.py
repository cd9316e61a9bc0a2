"""Addresses and methods that no call of the API has, refused in JSON as the calls refuse."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

from studio.api import refusals

API = "/api/"


def only_json(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware for answers 404 and 405 that were given before a call was reached.

    An id that is no UUID is such an address. Django and Ninja answer with a page and with text.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not request.path.startswith(API) or _is_json(response):
            return response
        if response.status_code == 404:
            return JsonResponse(refusals.body(refusals.NOT_FOUND), status=404)
        if response.status_code == 405:
            allowed = ", ".join(sorted(response["Allow"].split(", ")))
            said = refusals.METHOD_NOT_ALLOWED
            body = refusals.body(said, method=request.method, allowed=allowed)
            return JsonResponse(body, status=405, headers={"Allow": allowed})
        return response

    return middleware


def _is_json(response: HttpResponse) -> bool:
    return response.get("Content-Type", "").startswith("application/json")
