"""Properties of the policy for any queue, tested with hypothesis and simulated days."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from generation.scheduling.policy import Level, WaitingJob, WaitingLine, level
from generation.states import Priority
from tests.generation.scheduling.lines import in_order, waits

PERIOD = 10.0

# Integers, so that no rounding of floats matters.
moments = some.integers(0, 60).map(float)
jobs = some.builds(
    waits,
    some.sampled_from(Priority),
    queued=moments,
    owner=some.integers(1, 4),
    rank=some.integers(-3, 60).map(float),
)
queues = some.lists(jobs, max_size=25)
device_times = some.dictionaries(some.integers(1, 4), some.integers(0, 9).map(float))
quick = settings(max_examples=150, deadline=None, database=None)


def level_of(job: WaitingJob, now: float) -> Level:
    return level(job.priority, now - job.queued, PERIOD)


@quick
@given(queues, device_times, some.lists(moments, min_size=1))
def test_every_job_is_returned_once_and_from_the_first_level(
    waiting: list[WaitingJob], had: dict[int, float], looks: list[float]
) -> None:
    looks.sort()
    line = WaitingLine(waiting, had, looks[0], PERIOD)
    left = {job.key: job for job in waiting}

    for turn in range(len(waiting)):
        now = looks[min(turn, len(looks) - 1)]
        popped = line.pop(now)
        assert popped is not None
        job, here = popped
        assert here == level_of(job, now) == min(level_of(one, now) for one in left.values())
        del left[job.key]

    assert not left
    assert line.pop(looks[-1]) is None


@quick
@given(queues, device_times, some.integers(1, 5))
def test_within_a_level_the_owner_with_the_least_device_time_is_next(
    waiting: list[WaitingJob], had: dict[int, float], cost: int
) -> None:
    now = 30.0
    line = WaitingLine(waiting, had, now, PERIOD, lambda _: float(cost))
    left, so_far = list(waiting), dict(had)

    for job, here in in_order(line, now):
        alike = [one for one in left if level_of(one, now) == here]
        if here == Level.OVERDUE:
            assert job.queued == min(one.queued for one in alike)
        else:
            least = min(so_far.get(one.owner, 0.0) for one in alike)
            assert so_far.get(job.owner, 0.0) == least
            assert job.rank == min(one.rank for one in alike if one.owner == job.owner)
        left.remove(job)
        so_far[job.owner] = so_far.get(job.owner, 0.0) + cost


Started = list[tuple[float, WaitingJob]]


def on_one_device(coming: Iterable[WaitingJob], run: Callable[[WaitingJob], float]) -> Started:
    """Serve all jobs as one worker does, which asks the policy again whenever it is free."""
    coming = sorted(coming, key=lambda job: job.queued)
    waiting: list[WaitingJob] = []
    had: dict[int, float] = {}
    started: Started = []
    now = 0.0
    while coming or waiting:
        if not waiting:
            now = max(now, coming[0].queued)
        while coming and coming[0].queued <= now:
            waiting.append(coming.pop(0))
        popped = WaitingLine(waiting, had, now, PERIOD).pop(now)
        assert popped is not None
        job = popped[0]
        waiting.remove(job)
        started.append((now, job))
        had[job.owner] = had.get(job.owner, 0.0) + run(job)
        now += run(job)
    return started


@quick
@given(some.lists(jobs, max_size=20), some.integers(1, 15))
def test_an_overdue_job_is_overtaken_only_by_urgent_jobs(
    coming: list[WaitingJob], run: int
) -> None:
    """Only jobs that were submitted before can still be served before it, so waits are bounded."""
    started = on_one_device(coming, lambda _: float(run))

    assert sorted(job.key for _, job in started) == sorted(job.key for job in coming)
    for start, job in started:
        overdue_at = job.queued + job.priority * PERIOD
        if job.priority == Priority.URGENT:
            continue
        for moment, other in started:
            if overdue_at <= moment < start and other.priority != Priority.URGENT:
                assert other.queued <= job.queued


@pytest.mark.parametrize("spare", [0.8, 1.0], ids=["with gaps", "without a gap"])
def test_a_low_job_starts_within_three_periods_under_a_stream_of_high_jobs(
    spare: float,
) -> None:
    """Three users submit high jobs that keep the device busy all day."""
    run = 2.0
    stream = [
        waits(Priority.HIGH, queued=run * number / spare, owner=2 + number % 3)
        for number in range(200)
    ]
    low = waits(Priority.LOW, queued=20.0, owner=1)

    started = {job.key: moment for moment, job in on_one_device([*stream, low], lambda _: run)}

    assert started[low.key] - low.queued <= 3 * PERIOD + run
    if spare == 1.0:
        assert started[low.key] - low.queued > PERIOD, "it did have to wait"


def test_many_low_jobs_under_the_stream_start_in_order_of_submission() -> None:
    run = 2.0
    stream = [waits(Priority.HIGH, queued=run * number, owner=2) for number in range(150)]
    lows = [waits(Priority.LOW, queued=10.0 + number, owner=1) for number in range(8)]

    started = {job.key: moment for moment, job in on_one_device([*stream, *lows], lambda _: run)}

    # The last job waits for the other seven and for the running job.
    assert max(started[job.key] - job.queued for job in lows) <= 3 * PERIOD + 9 * run
    assert all(started[a.key] < started[b.key] for a, b in pairwise(lows))


def test_a_shift_of_all_times_changes_nothing() -> None:
    """Times may count from any moment: large values since the epoch give the same order."""
    waiting = [waits(Priority(n % 4), queued=float(n * 7 % 40), owner=n % 3) for n in range(40)]
    epoch = 1_800_000_000.0
    later = [replace(job, queued=job.queued + epoch, rank=job.rank + epoch) for job in waiting]

    def order(jobs: list[WaitingJob], now: float) -> list[int]:
        return [job.key for job, _ in in_order(WaitingLine(jobs, {}, now, PERIOD), now)]

    assert order(waiting, 41.0) == order(later, epoch + 41.0)
