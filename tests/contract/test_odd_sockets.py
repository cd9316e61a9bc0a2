"""Whatever stands in the address of a page's socket, it is answered or closed."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.contract.listening import PATIENCE, listen, refusal

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]


@pytest.mark.parametrize(
    "since",
    [
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00",
        "2026-13-01T00:00:00Z",
        "2026-01-01T00:00:00+99:99",
        "-1",
        "%00",
        "%FF",
        "9" * 5000,
    ],
)
async def test_a_page_with_an_impossible_time_of_its_paint_is_told_to_refresh(
    since: str, browser: Client, artist: User
) -> None:
    session = browser.cookies["genga_session"].value

    async with listen(f"/ws/live/queue/?since={since}", session=session) as line:
        assert await line.receive_from(PATIENCE) == "refresh"


@pytest.mark.parametrize("key", ["%00", "a%00b", "9" * 5000, "%ED%A0%80", "urn:uuid:0", "{}"])
async def test_a_page_of_nothing_is_closed(key: str, browser: Client, artist: User) -> None:
    session = browser.cookies["genga_session"].value

    for topic in ("job", "project", "%00"):
        assert await refusal(f"/ws/live/{topic}/{key}/", session=session) in (4403, 4404)
