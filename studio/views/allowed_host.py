"""Requests for a host that the site does not answer to."""

import logging
from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils.log import log_response

from studio.views.sentences import HOST_NOT_ALLOWED

logger = logging.getLogger(__name__)

LOGGED = 100
"""Characters of a host in the log."""


def allowed_host(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[..., HttpResponse]:
    """Middleware that answers 400 and logs one line. Django would log a traceback of each.

    It is the first, because others read the host too.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        try:
            request.get_host()
        except DisallowedHost:
            response = HttpResponseBadRequest(f"{HOST_NOT_ALLOWED.say()}\n", "text/plain")
            host = request.META.get("HTTP_HOST", "")[:LOGGED]
            log_response(
                "The host %s is not in GENGA_ALLOWED_HOSTS.",
                host,
                response=response,
                request=request,
                logger=logger,
            )
            return response
        return get_response(request)

    return middleware
