"""Points in time: the time of day today, the date otherwise, in the zone that is active."""

from datetime import UTC, datetime, timedelta
from datetime import timezone as zones
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from studio.presentation.moments import coming, countdown, moment

NOW = datetime(2026, 3, 2, 15, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timezone, "now", lambda: NOW)


def text(html: str) -> str:
    return html.partition(">")[2].removesuffix("</time>")


@pytest.mark.parametrize(
    ("at", "zone", "shown"),
    [
        (datetime(2026, 3, 2, 14, 3, 22, tzinfo=UTC), "UTC", "14:03:22"),
        (datetime(2026, 3, 2, 15, 3, 22, tzinfo=UTC), "Asia/Tokyo", "00:03:22"),
        (datetime(2026, 3, 2, 14, 3, 22, tzinfo=UTC), "Asia/Tokyo", "2 Mar, 23:03"),
        (datetime(2026, 2, 23, 14, 3, 22, tzinfo=UTC), "Europe/Berlin", "23 Feb, 15:03"),
        (datetime(2025, 12, 31, 23, 30, tzinfo=UTC), "UTC", "31 Dec 2025, 23:30"),
        (datetime(2025, 12, 31, 23, 30, tzinfo=UTC), "Europe/Berlin", "1 Jan, 00:30"),
    ],
)
def test_a_moment_has_a_date_where_it_is_not_today_in_the_persons_zone(
    at: datetime, zone: str, shown: str
) -> None:
    with timezone.override(ZoneInfo(zone)):
        assert text(moment(at)) == shown


def test_a_moment_says_all_of_itself_on_demand() -> None:
    at = datetime(2026, 2, 3, 4, 5, 6, tzinfo=zones(timedelta(hours=1)))
    with timezone.override(ZoneInfo("Asia/Tokyo")):
        html: Any = moment(at)

    assert 'datetime="2026-02-03T04:05:06+01:00"' in html
    assert 'title="3 Feb 2026, 12:05:06 Asia/Tokyo"' in html


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "any moment"),
        (0.9, "any moment"),
        (1.2, "in 1 s"),
        (89, "in 89 s"),
        (90, "in 2 min"),
        (5399, "in 90 min"),
        (7200, "in 2 h"),
    ],
)
def test_a_countdown_never_ends_at_zero_seconds(seconds: float, words: str) -> None:
    assert coming(seconds) == words
    assert text(countdown(NOW + timedelta(seconds=seconds))) == words
