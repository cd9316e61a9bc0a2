"""The answer 503 when the database or the storage cannot serve a request now.

Scripts and HTMX get the sentence and its code as JSON, people a page of its own that sends their
form again. Neither needs the database.
"""

import errno
import logging
import sys
from collections.abc import Callable
from importlib.util import find_spec

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.template.loader import render_to_string
from django.views import defaults

from generation.sentences import Sentence
from studio.presentation.sentences import DATABASE_UNAVAILABLE, DISK_FULL, STORAGE_UNAVAILABLE

logger = logging.getLogger(__name__)

RETRY_SECONDS = 10
"""When to try again: SQLite has waited longer than this for a lock before it gives up."""

NO_ROOM = {errno.ENOSPC, errno.EDQUOT}
API = "/api/"


class Unavailability:
    """Middleware that answers 503 for the exceptions of a database or storage that is away."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; Django calls `process_exception` for a view's exception."""
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, problem: Exception) -> HttpResponse | None:
        """The answer 503; None for every other exception."""
        return _answer(request, problem)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler of status 500: 503 if other middleware met such a problem."""
    problem = sys.exc_info()[1]
    answer = _answer(request, problem) if isinstance(problem, Exception) else None
    return answer or defaults.server_error(request)


def _answer(request: HttpRequest, problem: Exception) -> HttpResponse | None:
    sentence = _sentence_of(problem)
    if sentence is None:
        return None
    logger.error("%s %s: %s", request.method, request.path, problem, exc_info=problem)
    detail = sentence.say(seconds=RETRY_SECONDS)
    response: HttpResponse
    if request.path.startswith(API) or "HX-Request" in request.headers:
        response = JsonResponse({"detail": detail, "code": sentence.code}, status=503)
    else:
        response = HttpResponse(_page(request, detail, sentence.code), status=503)
    response["Retry-After"] = str(RETRY_SECONDS)
    response["Cache-Control"] = "no-store"
    return response


def _sentence_of(problem: Exception) -> Sentence | None:
    if isinstance(problem, OSError):
        return DISK_FULL if problem.errno in NO_ROOM else None
    if isinstance(problem, OperationalError | InterfaceError):
        # SQLite says "database or disk is full", PostgreSQL "No space left on device".
        text = str(problem).lower()
        return DISK_FULL if "is full" in text or "no space" in text else DATABASE_UNAVAILABLE
    return STORAGE_UNAVAILABLE if isinstance(problem, _storage_errors()) else None


def _storage_errors() -> tuple[type[Exception], ...]:
    """The exceptions of the library that speaks to S3, where it is installed."""
    if find_spec("botocore") is None:
        return ()
    from botocore.exceptions import BotoCoreError, ClientError

    return BotoCoreError, ClientError


def _page(request: HttpRequest, detail: str, code: str) -> str:
    """A page with what was typed in hidden fields, to be sent again. It keeps no password."""
    typed = request.POST if request.method == "POST" else QueryDict()
    again = {} if any("password" in name for name in typed) else dict(typed.lists())
    return render_to_string(
        "503.html",
        {
            "detail": detail,
            "code": code,
            "path": request.get_full_path(),
            "again": again,
            "has_files": bool(request.method == "POST" and request.FILES),
        },
    )
