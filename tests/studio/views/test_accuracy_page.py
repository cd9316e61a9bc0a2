"""The accuracy page and its badge: the house's figures for all, prompts for who may see them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from generation.estimating.evaluation.accuracy import Judged, Lately
from generation.estimating.evaluation.backtest import Accuracy, EstimatedRun
from generation.models import Attempt, Job
from generation.states import Work
from studio.presentation import accuracy, accuracy_charts
from tests.studio.conftest import PROMPT, LogIn, MakeTake

pytestmark = pytest.mark.django_db

Estimate = Callable[..., Attempt]


@pytest.fixture
def estimated(finished: MakeTake) -> Estimate:
    """A finished take that was estimated: `estimated(10.0, 12.0)`, in seconds."""

    def finish(predicted: float, run: float) -> Attempt:
        take = finished()
        Job.objects.filter(pk=take.job_id).update(
            estimated_seconds=predicted, estimated_low=predicted * 0.9, estimated_high=predicted * 2
        )
        attempt = Attempt.objects.get(job=take.job_id)
        Attempt.objects.filter(pk=attempt.pk).update(run_seconds=run)
        return attempt

    return finish


def page(log_in: LogIn, user: User, name: str = "accuracy") -> str:
    response = log_in(user).get(reverse(name))
    assert response.status_code == 200
    return response.content.decode()


def test_before_anything_was_estimated_the_page_says_so(log_in: LogIn, artist: User) -> None:
    text = page(log_in, artist)

    assert "No render was estimated yet" in text
    assert reverse("render") in text
    assert "<svg" not in text.partition("<main")[2]


def test_the_page_tells_the_figures_and_shows_each_estimate(
    log_in: LogIn, artist: User, estimated: Estimate
) -> None:
    for run in (10.0, 11.0, 12.0, 40.0):
        estimated(10.0, run)

    text = page(log_in, artist)

    assert "<dt>within 20 %</dt><dd>75 %</dd>" in text
    assert "<dd>4</dd>" in text
    assert len(re.findall(r'<use href="#mark-preview" class="preview" x="', text)) == 4
    assert "Draft images: estimated 10 s, took 40 s" in text
    assert "4.0 times as long" in text
    assert 'role="img" aria-label="What was estimated against what it took, for 4 renders:' in text


def test_a_stranger_reads_the_figures_and_no_prompt(
    log_in: LogIn, artist: User, stranger: User, estimated: Estimate
) -> None:
    attempt = estimated(10.0, 40.0)
    link = reverse("job", args=[attempt.job_id])

    seen, unseen = page(log_in, artist), page(log_in, stranger)

    assert PROMPT in seen
    assert link in seen
    assert PROMPT not in unseen
    assert link not in unseen
    assert "Draft images, 128×128" in unseen


def test_the_page_asks_as_often_for_many_misses_as_it_may(
    log_in: LogIn, artist: User, estimated: Estimate
) -> None:
    client = log_in(artist)
    for _ in range(12):
        estimated(10.0, 40.0)

    with CaptureQueriesContext(connection) as captured:
        client.get(reverse("accuracy"))

    assert len(captured) <= 25


def test_the_dashboard_tells_the_last_days(
    log_in: LogIn, artist: User, estimated: Estimate
) -> None:
    assert "Estimates: learning (0 renders)" in page(log_in, artist, "dashboard")
    for run in (*[10.0] * 9, 40.0):
        estimated(10.0, run)

    text = page(log_in, artist, "dashboard")

    told = "Estimates: 90 % within 20 % (last 7 days, 10 renders)"
    assert f'<a href="{reverse("accuracy")}">{told}</a>' in text


@pytest.mark.parametrize(
    ("lately", "told"),
    [
        (Lately(1, 1.0), "Estimates: learning (1 render)"),
        (Lately(9, 1.0), "Estimates: learning (9 renders)"),
        (Lately(132, 0.94), "Estimates: 94 % within 20 % (last 7 days, 132 renders)"),
    ],
)
def test_the_badge(lately: Lately, told: str) -> None:
    assert accuracy.badge(lately) == told


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (None, "–"),
        (0.0, "0.0 %"),
        (0.042, "4.2 %"),
        (0.0996, "10 %"),
        (0.999, "99 %"),
        (1, "100 %"),
    ],
)
def test_a_share_in_words(share: float | None, told: str) -> None:
    assert accuracy.percent(share) == told


def judged(seconds: float, actual: float, work: Work = Work.IMAGE) -> Judged:
    job = Job().pk
    estimated = EstimatedRun(seconds, actual, seconds * 0.8, seconds * 1.2)
    return Judged(1, job, date(2026, 11, 16), "cpu:0", "x", work, 1, False, 0.0, estimated)


def share(text: str) -> float:
    return float(text.removesuffix("%"))


def test_what_was_estimated_rightly_lies_on_the_diagonal() -> None:
    chart = accuracy_charts.scatter([judged(1.0, 1.0), judged(60.0, 60.0), judged(60.0, 90.0)])

    assert chart is not None
    later, right, small = chart.dots
    assert share(right.x) == pytest.approx(100 - share(right.y), abs=0.2)
    assert share(small.x) == pytest.approx(100 - share(small.y), abs=0.2)
    assert share(later.y) < share(right.y)
    assert all(0 < share(place) < 100 for dot in chart.dots for place in (dot.x, dot.y))


def test_the_band_holds_what_is_within_twenty_percent() -> None:
    """Its lower edge is an estimate of 20 % too much, its upper edge one of 20 % too little."""
    chart = accuracy_charts.scatter([judged(12.0, 10.0), judged(8.0, 10.0)])
    assert chart is not None
    corners = [tuple(map(float, corner.split(","))) for corner in chart.band.split()]
    below, above = 100 - corners[0][1], 100 - corners[1][1]
    too_little, too_much = chart.dots

    assert 100 - share(too_much.y) - share(too_much.x) == pytest.approx(below, abs=0.2)
    assert 100 - share(too_little.y) - share(too_little.x) == pytest.approx(above, abs=0.2)


@pytest.mark.parametrize("times", [(0.2, 0.25), (2.0, 2.1), (1.0, 60.0), (0.5, 9000.0)])
def test_the_axes_have_ticks_that_do_not_touch(times: tuple[float, float]) -> None:
    chart = accuracy_charts.scatter([judged(*times)])

    assert chart is not None
    places = [share(tick.at) for tick in chart.ticks]
    assert len(places) >= 3
    gaps = [later - place for place, later in pairwise(places)]
    assert min(gaps) >= accuracy_charts.APART - 0.01


def test_weeks_without_renders_leave_a_gap_in_the_line() -> None:
    first = date(2026, 9, 7)
    shares = [1.0, 0.5, None, 0.9, 0.8]
    figures = {
        first + timedelta(weeks=number): Accuracy(10 if one else 0, one, 0.1, 0.1, 0.9)
        for number, one in enumerate(shares)
    }

    chart = accuracy_charts.trend(figures)

    assert chart is not None
    assert chart.lines == ["0.00,0.00 25.00,50.00", "75.00,10.00 100.00,20.00"]
    assert len(chart.points) == 4
    assert chart.summary.endswith("100 % in that of September 7, 80 % in that of October 5.")


def test_one_week_is_no_line() -> None:
    assert accuracy_charts.trend({timezone.now().date(): Accuracy(1, 1.0, 0.0, 0.0, 1.0)}) is None
