"""The requests of one process share a forecaster, and with it what was read."""

from __future__ import annotations

from typing import cast

from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from generation.scheduling.forecast import Forecaster
from studio.accounts.person_request import PersonRequest
from studio.views.forecasting import forecasting


def test_every_request_of_a_process_has_the_same_forecaster(rf: RequestFactory) -> None:
    found: list[Forecaster] = []

    def view(request: HttpRequest) -> HttpResponse:
        found.append(cast(PersonRequest, request).forecaster)
        return HttpResponse()

    process, other = forecasting(view), forecasting(view)
    process(rf.get("/"))
    process(rf.get("/queue/"))
    other(rf.get("/"))

    assert found[0] is found[1]
    assert found[0] is not found[2]
