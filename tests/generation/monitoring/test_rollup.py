"""Rollup of old attempts to weekly sums."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from generation.estimating.evaluation import accuracy
from generation.models import AccuracyWeek, Attempt, Device, Job, StageTiming
from generation.monitoring import rollup
from generation.worker import process
from generation.worker.runner import Worker
from tests.generation.conftest import Ran

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)
OLD = 95.0
Ended = Callable[..., Attempt]


@pytest.fixture
def ended(ran: Ran) -> Ended:
    """Creates an attempt that ended so many days ago: `ended(OLD, predicted=10.0, run=12.0)`."""

    def finish(days: float, predicted: float | None = 10.0, run: float = 10.0, **noted: Any) -> Any:
        attempt = ran(run, tail=0.2)
        at = NOW - timedelta(days=days)
        ranged = predicted is not None
        Job.objects.filter(pk=attempt.job_id).update(
            estimated_seconds=predicted,
            estimated_low=8.0 if ranged else None,
            estimated_high=11.0 if ranged else None,
            finished_at=at,
        )
        Attempt.objects.filter(pk=attempt.pk).update(finished_at=at, run_seconds=run, **noted)
        return attempt

    return finish


def sums() -> list[dict[str, Any]]:
    return list(AccuracyWeek.objects.order_by("week", "device_name").values())


def test_old_attempts_are_added_to_their_week_and_lose_their_timings(ended: Ended) -> None:
    for run in (10.0, 12.0, 20.0):
        ended(OLD, run=run)
    kept = ended(80.0)

    assert rollup.roll_up(NOW) == 3

    week = AccuracyWeek.objects.get()
    assert (week.week, week.device_name) == (date(2026, 8, 10), "cpu:0")
    assert (week.family, week.work) == ("stable-diffusion", "preview")
    assert (week.count, week.within, week.covered) == (3, 2, 1)
    assert week.errors == pytest.approx(0.0 + 2 / 12 + 0.5)
    assert week.run_seconds == 42.0
    assert set(StageTiming.objects.values_list("attempt", flat=True)) == {kept.pk}
    assert Attempt.objects.count() == 4


def test_running_it_twice_changes_nothing(ended: Ended) -> None:
    ended(OLD)
    rollup.roll_up(NOW)
    before = sums()

    assert rollup.roll_up(NOW) == 0
    assert sums() == before


def test_attempts_rolled_up_later_are_added_to_the_week(ended: Ended) -> None:
    """For example after the setting was lowered, or if another worker was slower."""
    ended(OLD)
    rollup.roll_up(NOW)
    ended(OLD, run=30.0)
    rollup.roll_up(NOW)

    week = AccuracyWeek.objects.get()
    assert (week.count, week.within) == (2, 1)


@pytest.mark.parametrize("noted", [{"resumed_from": 4}, {"batch_size": 4}, {"outcome": "lost"}])
def test_attempts_that_are_not_evaluated_only_lose_their_timings(
    ended: Ended, noted: dict[str, Any]
) -> None:
    ended(OLD, **noted)
    ended(OLD, predicted=None)

    assert rollup.roll_up(NOW) == 2
    assert not StageTiming.objects.exists()
    assert not AccuracyWeek.objects.exists()


def test_no_estimate_is_counted_twice(ended: Ended, settings: Any) -> None:
    """The report's weeks may have attempts and sums."""
    settings.GENGA_HISTORY_DAYS = 30
    for days in (1.0, 29.0, 31.0, 60.0):
        ended(days, run=12.5)
    before = accuracy.report(NOW)

    assert rollup.roll_up(NOW) == 2

    after = accuracy.report(NOW)
    assert after.overall.count == before.overall.count == 4
    assert after.overall.coverage == before.overall.coverage
    assert [one.count for one in after.by_week.values()] == [
        one.count for one in before.by_week.values()
    ]
    assert len(after.newest) == 2


def test_a_long_history_is_rolled_up_in_several_transactions(
    ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollup, "ROWS", 4)
    for days in (OLD + 2, OLD + 1, OLD, OLD):
        ended(days)

    assert rollup.roll_up(NOW) == 4
    assert sum(week["count"] for week in sums()) == 4


@pytest.mark.django_db(transaction=True)
def test_the_heartbeat_rolls_up(ended: Ended, device: Device, models: Any) -> None:
    ended(OLD)
    stop = threading.Event()
    heart = threading.Thread(target=process._beat, args=(device, Worker(device, models), stop))

    heart.start()
    threading.Timer(0.3, stop.set).start()
    heart.join()

    assert AccuracyWeek.objects.get().count == 1
    assert not StageTiming.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_count_each_attempt_once(ended: Ended) -> None:
    for _ in range(20):
        ended(OLD)
    together = threading.Barrier(2)

    def work() -> int:
        together.wait()
        try:
            return rollup.roll_up(NOW)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        counts = [future.result() for future in [pool.submit(work) for _ in range(2)]]

    assert sum(counts) == 20
    assert AccuracyWeek.objects.get().count == 20
