"""The simulation of a queue with serving rules and preemption."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from generation.bench.simulation.replay import Arrival, Served, ServingRule, Site, replay
from generation.bench.simulation.rules import EvenSplit, FirstCome, Policy, ShortestFirst
from generation.scheduling.assignment import Lane
from generation.states import Priority
from tests.generation.scheduling.lines import lane, waits

AGES = 1e9


def policy() -> Policy:
    return Policy(AGES, lambda _: 1.0)


def by_key(served: list[Served]) -> dict[object, tuple[str, float, float]]:
    """Lane, start and finish of each job."""
    return {one.job.key: (one.lane, one.start, one.finish) for one in served}


def test_jobs_are_served_in_order_of_arrival() -> None:
    arrivals = [Arrival(waits(queued=at, key=at)) for at in (0.0, 1.0, 30.0)]

    served = replay(arrivals, [lane("cpu", 10.0)], policy())

    assert by_key(served) == {
        0.0: ("cpu", 0.0, 10.0),
        1.0: ("cpu", 10.0, 20.0),
        30.0: ("cpu", 30.0, 40.0),
    }
    assert [one.waited for one in served] == [0.0, 9.0, 0.0]


def test_a_run_takes_its_actual_time_and_loads_once() -> None:
    arrivals = [Arrival(waits(queued=at, key=at, model="anime"), factor=1.5) for at in (0.0, 1.0)]

    served = replay(arrivals, [lane("cpu", 10.0, loading=4.0)], policy())

    assert by_key(served) == {0.0: ("cpu", 0.0, 19.0), 1.0: ("cpu", 19.0, 34.0)}


def test_urgent_work_starts_after_the_present_step_and_the_preempted_job_resumes() -> None:
    arrivals = [
        Arrival(waits(key="long"), steps=10),
        Arrival(waits(Priority.URGENT, queued=41.0, key="urgent")),
    ]

    served = replay(arrivals, [lane("cpu", {"": 100.0})], policy())

    assert by_key(served) == {"urgent": ("cpu", 50.0, 150.0), "long": ("cpu", 0.0, 200.0)}
    assert {one.job.key: (one.preemptions, one.waited) for one in served} == {
        "urgent": (0, 9.0),
        "long": (1, 100.0),
    }


def test_a_preempted_job_without_steps_starts_again() -> None:
    arrivals = [
        Arrival(waits(key="long")),
        Arrival(waits(Priority.URGENT, queued=41.0, key="urgent")),
    ]

    served = replay(arrivals, [lane("cpu", 100.0)], policy())

    assert by_key(served) == {"urgent": ("cpu", 41.0, 141.0), "long": ("cpu", 0.0, 241.0)}


def test_the_simple_rules() -> None:
    arrivals = [
        Arrival(waits(queued=at, key=key, shape=shape))
        for at, key, shape in ((0, "a", "long"), (1, "b", "long"), (2, "c", "short"))
    ]

    def order(rule: ServingRule, lanes: int = 1) -> list[tuple[object, str]]:
        seconds = {"long": 50.0, "short": 5.0}
        there = [lane(f"cpu:{n}", seconds) for n in range(lanes)]
        return [(one.job.key, one.lane) for one in replay(arrivals, there, rule)]

    assert order(FirstCome()) == [("a", "cpu:0"), ("b", "cpu:0"), ("c", "cpu:0")]
    assert order(ShortestFirst()) == [("a", "cpu:0"), ("c", "cpu:0"), ("b", "cpu:0")]
    assert order(EvenSplit(), 2) == [("a", "cpu:0"), ("b", "cpu:1"), ("c", "cpu:0")]


def test_a_rule_that_never_takes_a_job_raises() -> None:
    class Idle:
        def next(self, _lane: Lane, _site: Site) -> None:
            return None

        def victims(self, _: Site) -> list[str]:
            return []

    with pytest.raises(RuntimeError, match="1 jobs were left"):
        replay([Arrival(waits())], [lane("cpu")], Idle())


arrivals = some.lists(
    some.builds(
        Arrival,
        some.builds(
            waits,
            some.sampled_from(Priority),
            queued=some.integers(0, 300).map(float),
            owner=some.integers(1, 3),
            work=some.sampled_from(["image", "video"]),
            model=some.sampled_from(["anime", "oils"]),
        ),
        steps=some.sampled_from([0, 10]),
        factor=some.sampled_from([0.5, 1.0, 2.0]),
    ),
    max_size=20,
)


@settings(max_examples=60, deadline=None, database=None)
@given(arrivals, some.sampled_from([policy, FirstCome, ShortestFirst, EvenSplit]))
def test_under_every_rule_each_job_ends_once_after_at_least_its_run_time(
    coming: list[Arrival], rule: type[FirstCome]
) -> None:
    lanes = [lane("both", 40.0, loading=3.0), lane("image", 90.0, takes="image")]
    factors = {one.job.key: one.factor for one in coming}

    served = replay(coming, lanes, rule())

    assert sorted(one.job.key for one in served) == sorted(factors)
    for one in served:
        assert one.start >= one.job.queued
        assert one.job.work == "image" or one.lane == "both"
        shortest = 40.0 * factors[one.job.key] if not one.preemptions else 0.0
        assert one.finish - one.job.queued - one.waited >= shortest - 1e-6
