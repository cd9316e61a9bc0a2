"""Web pages of other sites: those that the operator names may use the API, with a token only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from generation.models import Device, Job, ModelCard
from tests.contract.asking import GENERATE, QUEUE, Caller

pytestmark = pytest.mark.django_db

TOOLS = "https://tools.example:8443"
ALLOW = "Access-Control-Allow-Origin"
Remote = Callable[[User | None], Caller]


@pytest.fixture(autouse=True)
def _named(settings: Any, toon: ModelCard, device: Device, artist: User) -> None:
    settings.CORS_ALLOWED_ORIGINS = [TOOLS]


def preflight(caller: Caller, origin: str, path: str = GENERATE, **headers: str) -> Any:
    asked = {"access_control_request_method": "POST", "origin": origin, **headers}
    return caller.client.options(path, **caller._meta(asked))


def test_a_page_that_the_operator_names_may_submit_with_a_token(
    remote: Remote, artist: User
) -> None:
    asked = preflight(remote(None), TOOLS)
    answer = remote(artist).post(GENERATE, {"type": "image", "prompt": "1girl"}, origin=TOOLS)

    assert (asked.status_code, asked[ALLOW]) == (200, TOOLS)
    assert "POST" in asked["Access-Control-Allow-Methods"]
    allowed = asked["Access-Control-Allow-Headers"].split(", ")
    assert {"authorization", "content-type", "idempotency-key"} <= set(allowed)
    assert (answer.status_code, answer[ALLOW]) == (202, TOOLS)
    for told in (asked, answer):
        assert "origin" in told["Vary"].lower()
        assert "Access-Control-Allow-Credentials" not in told


def test_a_page_that_the_operator_names_needs_a_token_on_loopback_too(
    api: Caller, browser: Any
) -> None:
    body = {"type": "image", "prompt": "1girl"}
    answer = api.post(GENERATE, body, origin=TOOLS)
    session = Caller(client=browser).post(GENERATE, body, origin=TOOLS)

    assert (answer.status_code, session.status_code) == (401, 401)
    assert answer[ALLOW] == TOOLS, "so that the page can read why"
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    "origin",
    ["https://tools.example", "http://tools.example:8443", "https://evil.example", "null", "[::1"],
)
def test_a_page_of_any_other_site_is_not_let_in(origin: str, remote: Remote, artist: User) -> None:
    for answer in (preflight(remote(None), origin), remote(artist).get(QUEUE, origin=origin)):
        assert ALLOW not in answer
        assert "origin" in answer["Vary"].lower()


def test_only_the_api_is_open_to_named_pages(browser: Any, api: Caller) -> None:
    for path in ("/", "/gallery/", "/metrics", "/healthz"):
        assert ALLOW not in browser.get(path, headers={"Origin": TOOLS}), path


def test_a_preflight_for_a_foreign_host_is_refused(api: Caller) -> None:
    assert preflight(api, TOOLS, host="evil.example").status_code == 400
