"""What reaches no call of the API, or more of it than Django reads, is refused as calls refuse."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as configured
from django.test import Client

from generation.models import Device, Job, ModelCard
from tests.contract.asking import ESTIMATE, GENERATE, JOBS, PROBLEMS, QUEUE, Caller

pytestmark = pytest.mark.django_db

TYPE = "application/json"


@pytest.mark.parametrize("is_debugging", [False, True])
@pytest.mark.parametrize(
    "path", ["/api/", "/api/nowhere", f"{JOBS}/7", f"{JOBS}/%00", f"{GENERATE}/", f"{QUEUE}/x/y"]
)
def test_an_address_that_no_call_has_is_refused_in_json(
    path: str, is_debugging: bool, api: Caller, settings: Any
) -> None:
    settings.DEBUG = is_debugging

    for answer in (api.get(path), api.post(path, {})):
        assert (answer.status_code, answer["Content-Type"]) == (404, TYPE)
        assert answer.json()["code"] == "not_found"


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        (GENERATE, "GET", "POST"),
        (QUEUE, "PUT", "GET"),
        (f"{JOBS}/9b65ae6e-dbc1-49e7-a2c7-852d11c333ca", "POST", "DELETE, GET, PATCH"),
        (f"{JOBS}/cancel", "DELETE", "POST"),
    ],
)
def test_a_method_that_an_address_does_not_take_is_refused_in_json(
    path: str, method: str, allowed: str, api: Caller
) -> None:
    answer = api.client.generic(method, path)

    assert (answer.status_code, answer["Content-Type"]) == (405, TYPE)
    assert answer.json()["code"] == "method_not_allowed"
    assert answer["Allow"] == allowed


def test_pages_that_do_not_exist_are_pages(browser: Client) -> None:
    answer = browser.get("/nowhere/")

    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    "path", [ESTIMATE, JOBS, *(f"/api/anime/{name}" for name in ("models", "shots"))]
)
def test_more_parameters_than_are_read_are_refused(path: str, api: Caller) -> None:
    limit = configured.DATA_UPLOAD_MAX_NUMBER_FIELDS

    answer = api.client.get(f"{path}?{'&'.join(['project=a'] * (limit + 1))}")

    assert answer.status_code == 422
    PROBLEMS.check(answer.json())
    (problem,) = answer.json()["errors"]
    assert (problem["field"], problem["code"]) == ("query", "too_many_parameters")
    assert str(limit) in problem["allowed"]


@pytest.mark.parametrize("key", [{}, {"idempotency_key": "once"}])
@pytest.mark.parametrize("call", ["clone", "cancel"])
def test_a_body_that_is_too_large_is_refused(
    call: str, key: dict[str, str], api: Caller, device: Device, toon: ModelCard
) -> None:
    job = api.submit()["job_id"]
    path = {"clone": f"{JOBS}/{job}/clone", "cancel": f"{JOBS}/cancel"}[call]
    body = b'{"seed": 1, "x": "%s"}' % (b"x" * configured.DATA_UPLOAD_MAX_MEMORY_SIZE)

    answer = api.post(path, body, **key)

    assert answer.status_code == 422
    (problem,) = answer.json()["errors"]
    assert (problem["field"], problem["code"]) == ("body", "body_too_large")
    assert Job.objects.count() == 1
