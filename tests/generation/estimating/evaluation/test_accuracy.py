"""Accuracy of estimates, the worst misses and their explanations."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from generation.estimating.evaluation import accuracy
from generation.estimating.evaluation.backtest import EstimatedRun
from generation.estimating.evaluation.misses import Miss
from generation.models import AccuracyWeek, Attempt, Device, Job
from tests.generation.conftest import Claim, Ran

pytestmark = pytest.mark.django_db

Judge = Callable[..., Attempt]

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
"""A Wednesday."""
MONDAY = date(2026, 11, 16)


@pytest.fixture
def judged(ran: Ran) -> Judge:
    """Creates an attempt by its estimated and actual seconds: `judged(10.0, 12.0, days=3)`."""

    def finish(estimated: float | None, run: float, days: float = 0.0, **changes: Any) -> Attempt:
        low, high = changes.pop("low", 8.0), changes.pop("high", 11.0)
        noted = changes.pop("noted", {})
        attempt = ran(run, tail=0.2, **changes)
        at = NOW - timedelta(days=days)
        ranged = estimated is not None
        Job.objects.filter(pk=attempt.job_id).update(
            estimated_seconds=estimated,
            estimated_low=low if ranged else None,
            estimated_high=high if ranged else None,
            submitted_at=at - timedelta(minutes=1),
            finished_at=at,
        )
        Attempt.objects.filter(pk=attempt.pk).update(finished_at=at, run_seconds=run, **noted)
        attempt.refresh_from_db()
        return attempt

    return finish


def test_the_figures_of_some_estimates(judged: Judge) -> None:
    judged(10.0, 10.0)
    judged(10.0, 10.5)
    judged(10.0, 12.5)
    judged(10.0, 20.0)

    figures = accuracy.report(NOW).overall

    assert (figures.count, figures.within, figures.coverage) == (4, 0.75, 0.5)
    assert figures.median_error == pytest.approx((0.5 / 10.5 + 0.2) / 2)
    assert figures.mean_error == pytest.approx((0.0 + 0.5 / 10.5 + 0.2 + 0.5) / 4)


def test_attempts_without_an_estimate_are_not_evaluated(judged: Judge) -> None:
    judged(None, 10.0)

    assert accuracy.report(NOW).overall.count == 0


@pytest.mark.parametrize("changed", [{"resumed_from": 3}, {"batch_size": 2}, {"outcome": "failed"}])
def test_attempts_that_are_not_comparable_are_not_evaluated(
    judged: Judge, changed: dict[str, Any]
) -> None:
    judged(10.0, 30.0, noted=changed)

    report = accuracy.report(NOW)

    assert report.overall.count == 0
    assert not report.misses


def test_figures_by_week_device_family_and_work(judged: Judge, toon: Any, device: Device) -> None:
    other = Device.objects.create(name="cpu:1", kind="cpu", works=device.works)
    judged(10.0, 10.0)
    judged(10.0, 10.0, quality="final")
    judged(10.0, 30.0, days=7, on=other)

    report = accuracy.report(NOW)

    assert {key: one.within for key, one in report.by_device.items()} == {"cpu:0": 1, "cpu:1": 0}
    assert list(report.by_device) == ["cpu:0", "cpu:1"]
    assert {key: one.count for key, one in report.by_family.items()} == {"stable-diffusion": 3}
    assert {key: one.count for key, one in report.by_work.items()} == {"preview": 2, "image": 1}
    assert len(report.by_week) == accuracy.WEEKS
    told = {week: one.count for week, one in report.by_week.items() if one.count}
    assert told == {MONDAY - timedelta(weeks=1): 1, MONDAY: 2}


def test_the_report_ends_twelve_weeks_ago_on_a_monday(judged: Judge) -> None:
    judged(10.0, 10.0, days=7 * 11 + 2.4)
    judged(10.0, 10.0, days=7 * 11 + 2.6)

    report = accuracy.report(NOW)

    assert report.overall.count == 1
    assert min(report.by_week) == MONDAY - timedelta(weeks=11)


def test_weekly_sums_count_and_have_no_median(judged: Judge) -> None:
    judged(10.0, 10.0)
    AccuracyWeek.objects.create(
        week=MONDAY - timedelta(weeks=2),
        device_name="cuda:0",
        family="stable-diffusion",
        work="image",
        count=3,
        within=2,
        covered=1,
        errors=0.6,
    )

    report = accuracy.report(NOW)

    assert (report.overall.count, report.overall.within) == (4, 0.75)
    assert (report.overall.coverage, report.overall.median_error) == (0.5, 0.0)
    assert report.overall.mean_error == pytest.approx(0.15)
    long_ago = report.by_week[MONDAY - timedelta(weeks=2)]
    assert (long_ago.count, long_ago.median_error) == (3, None)
    assert report.by_device["cuda:0"].median_error is None
    assert report.by_family["stable-diffusion"].count == 4
    assert [row.estimated.actual for row in report.newest] == [10.0]


def test_the_last_days_in_two_numbers(judged: Judge) -> None:
    judged(10.0, 12.5, days=1)
    judged(10.0, 12.6, days=1)
    judged(10.0, 8.4, days=6.9)
    judged(10.0, 30.0, days=7.1)

    assert accuracy.lately(NOW) == accuracy.Lately(3, pytest.approx(2 / 3))
    assert accuracy.since(NOW - accuracy.LATELY).count == 3


def test_without_renders_the_last_days_are_empty(db: None) -> None:
    assert accuracy.lately(timezone.now()) == accuracy.Lately(0, 0.0)


def test_the_worst_miss_is_the_one_that_is_off_by_the_largest_factor(judged: Judge) -> None:
    judged(10.0, 10.5)
    twice = judged(10.0, 20.0)
    third = judged(10.0, 10 / 3)

    misses = accuracy.report(NOW).misses

    assert [miss.attempt for miss in misses] == [third, twice]


def test_a_miss_has_the_usual_loading_time_and_the_earlier_attempts(judged: Judge) -> None:
    judged(10.0, 10.0, days=2, noted={"cold": True, "load_seconds": 3.0})
    judged(10.0, 10.0, days=1, noted={"cold": True, "load_seconds": 5.0})
    judged(10.0, 30.0)

    (miss,) = accuracy.report(NOW).misses

    assert (miss.usual_load, miss.earlier) == (4.0, 2)


SEEN_OFTEN = {"usual_load": 4.0, "earlier": 3}

EXPLAINED = [
    ("model_not_loaded", 10, 14, {"cold": True, "load_seconds": 4.0}, {}),
    ("slow_loading", 10, 18, {"cold": True, "load_seconds": 12.0}, {}),
    ("model_loaded", 10, 6, {"cold": False}, {}),
    ("work_began_during_run", 10, 20, {"host_load": 0.9}, {}),
    ("work_ended_during_run", 20, 10, {"host_load_before": 0.9}, {}),
    (
        "busy_host",
        *(10, 20),
        {"host_load": 0.9, "host_load_before": 0.9, "estimated_seconds": 19.0},
        {},
    ),
    ("first_of_its_shape", 10, 20, {}, {"earlier": 0}),
    ("few_of_its_shape", 10, 20, {}, {"earlier": 2}),
    ("learned_meanwhile", 10, 20, {"estimated_seconds": 19.0}, {}),
    ("unexplained", 10, 20, {}, {}),
    ("unexplained", 10, 20, {"cold": True, "load_seconds": 0.5}, {"usual_load": None}),
    ("unexplained", 20, 10, {"host_load": 0.9}, {}),
    ("other_device", 10, 20, {"device_name": "cpu:1"}, {"assumed": {"device": "cpu:0"}}),
    ("unexplained", 10, 20, {"device_name": "cpu:0"}, {"assumed": {"device": "cpu:0"}}),
    ("unexplained", 10, 14, {"cold": True, "load_seconds": 4.0}, {"assumed": {"cold": True}}),
    ("unexplained", 10, 6, {"cold": False}, {"assumed": {"cold": False}}),
    (
        "work_began_during_wait",
        *(10, 20),
        {"host_load": 0.9, "host_load_before": 0.9},
        {"assumed": {"host_load": 0.0}},
    ),
    ("work_ended_during_wait", 20, 10, {}, {"assumed": {"host_load": 0.9}}),
]


@pytest.mark.parametrize(("code", "estimated", "took", "noted", "known"), EXPLAINED)
def test_the_explanation_of_a_miss(
    code: str, estimated: float, took: float, noted: dict[str, Any], known: dict[str, Any]
) -> None:
    attempt = Attempt(run_seconds=took, **{"cold": False, **noted})

    miss = Miss(attempt, EstimatedRun(estimated, took), **{**SEEN_OFTEN, **known})

    assert miss.explanation.code == code


def test_the_estimate_at_submit_is_evaluated_and_not_that_at_the_claim(
    judged: Judge, claimed: Claim
) -> None:
    """The estimate at the claim is used for explanations only."""
    judged(10.0, 20.0, noted={"estimated_seconds": 20.0})

    assert accuracy.report(NOW).overall.within == 0.0
