"""The forecaster, shared by all requests of a process."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from generation.scheduling.forecast import Forecaster

FORECASTER = "forecaster"
"""The attribute that PersonRequest names."""


def forecasting(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware that sets the forecaster on the request. Django creates it once per process."""
    forecaster = Forecaster()

    def middleware(request: HttpRequest) -> HttpResponse:
        setattr(request, FORECASTER, forecaster)
        return get_response(request)

    return middleware
