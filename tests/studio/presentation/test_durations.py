"""Durations in words: tables of inputs and texts."""

from datetime import timedelta

import pytest
from django.utils import timezone

from studio.presentation import durations

MINUTE, HOUR = 60, 3600


@pytest.mark.parametrize(
    ("seconds", "spoken", "short"),
    [
        (None, "estimating", "estimating"),
        (-5, "0.1 seconds", "0.1 s"),
        (0, "0.1 seconds", "0.1 s"),
        (0.04, "0.1 seconds", "0.1 s"),
        (1, "1.0 seconds", "1.0 s"),
        (2.44, "2.4 seconds", "2.4 s"),
        (9.94, "9.9 seconds", "9.9 s"),
        (9.96, "10 seconds", "10 s"),
        (40.4, "40 seconds", "40 s"),
        (89.4, "89 seconds", "89 s"),
        (90, "2 minutes", "2 min"),
        (18 * MINUTE, "18 minutes", "18 min"),
        (89 * MINUTE, "89 minutes", "89 min"),
        (90 * MINUTE, "1 hour 30 minutes", "1 h 30 min"),
        (2 * HOUR, "2 hours", "2 h"),
        (2 * HOUR + MINUTE, "2 hours 1 minute", "2 h 1 min"),
        (2 * HOUR + 5 * MINUTE, "2 hours 5 minutes", "2 h 5 min"),
        (30 * HOUR, "30 hours", "30 h"),
    ],
)
def test_a_duration_in_full_and_short_words(seconds: float | None, spoken: str, short: str) -> None:
    assert durations.spoken(seconds) == spoken
    assert durations.short(seconds) == short


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (1.8, 2.4, "1.8–2.4 s"),
        (2.0, 2.01, "2.0 s"),
        (8, 12, "8.0–12 s"),
        (50, 120, "50 s–2 min"),
        (16 * MINUTE, 21 * MINUTE, "16–21 min"),
        (58 * MINUTE, 125 * MINUTE, "58 min–2 h 5 min"),
        (2 * HOUR, 3 * HOUR, "2–3 h"),
        (95 * MINUTE, 125 * MINUTE, "1 h 35 min–2 h 5 min"),
    ],
)
def test_a_range_names_its_unit_once_where_both_ends_share_it(
    low: float, high: float, said: str
) -> None:
    assert durations.span(low, high) == said


def test_no_line_breaks_between_a_number_and_its_unit() -> None:
    text = "A draft of 3 steps takes about 15 seconds (6.7–34 s). Of 2 hosts, one is away."

    broken = durations.unbroken(text).replace("\N{NO-BREAK SPACE}", "_")

    assert (
        broken == "A draft of 3 steps takes about 15_seconds (6.7–34_s). Of 2 hosts, one is away."
    )


def test_a_past_moment_is_zero_seconds_away() -> None:
    now = timezone.now()

    assert durations.until(None) is None
    assert durations.until(now - timedelta(minutes=1)) == 0.0
    assert durations.until(now + timedelta(minutes=1)) == pytest.approx(60, abs=1)
