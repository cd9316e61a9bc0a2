"""The status of requests that came too often, and the limit of submits from pages."""

from collections.abc import Callable
from http import HTTPStatus
from math import ceil

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from generation.sentences import Said
from studio.accounts.authentication import SubmitThrottle
from studio.accounts.person_request import PersonRequest
from studio.forms.login import RETRY_AFTER
from studio.presentation import durations
from studio.views.sentences import TOO_MANY_SUBMITS


def throttled(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware that answers 429 with Retry-After when a form has refused the request.

    A middleware, because the login views answer every invalid form with 200. A redirect stays one:
    the next page shows why.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        wait = getattr(request, RETRY_AFTER, 0)
        if wait and response.status_code == HTTPStatus.OK:
            response.status_code = HTTPStatus.TOO_MANY_REQUESTS
            response["Retry-After"] = str(wait)
        return response

    return middleware


class TooManySubmits(Exception):
    """Why a submit is refused."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.text)
        self.said = said


def refuse_too_many_submits(request: PersonRequest) -> None:
    """Count a submit from a page, together with the person's submits through the API.

    Raises TooManySubmits, and marks the request for the middleware, when there were too many.
    """
    throttle = SubmitThrottle(settings.GENGA_SUBMIT_RATE)
    if throttle.allow_request(request):
        return
    wait = max(1, ceil(throttle.wait() or 1))
    setattr(request, RETRY_AFTER, wait)
    raise TooManySubmits(TOO_MANY_SUBMITS.said(wait=durations.spoken(wait)))
