"""Examples of the policy: the order of jobs, and how it changes with time."""

from __future__ import annotations

import pytest

from generation.scheduling.policy import Level, WaitingJob, WaitingLine, level
from generation.states import Priority
from tests.generation.scheduling.lines import in_order, waits

URGENT, HIGH, NORMAL, LOW = Priority.URGENT, Priority.HIGH, Priority.NORMAL, Priority.LOW

PERIOD = 100.0
"""Seconds of an ageing period in these tests."""


def served(jobs: list[WaitingJob], now: float = 0.0, had: dict[int, float] | None = None) -> str:
    """The keys in the order in which the jobs are served at one moment."""
    line = WaitingLine(jobs, had or {}, now, PERIOD)
    return " ".join(str(job.key) for job, _ in in_order(line, now))


@pytest.mark.parametrize(
    ("priority", "levels"),
    [
        # Before the first period, and after each of four.
        (URGENT, "URGENT URGENT URGENT URGENT URGENT"),
        (HIGH, "HIGH OVERDUE OVERDUE OVERDUE OVERDUE"),
        (NORMAL, "NORMAL HIGH OVERDUE OVERDUE OVERDUE"),
        (LOW, "LOW NORMAL HIGH OVERDUE OVERDUE"),
    ],
)
def test_a_job_rises_one_level_per_period_and_never_to_urgent(
    priority: Priority, levels: str
) -> None:
    for periods, name in enumerate(levels.split()):
        assert level(priority, periods * PERIOD, PERIOD) == Level[name]
        assert level(priority, (periods + 0.99) * PERIOD, PERIOD) == Level[name]


def test_a_clock_that_was_set_back_lowers_no_job() -> None:
    assert level(NORMAL, -5.0, PERIOD) == Level.NORMAL


def test_an_empty_line_has_no_next_job() -> None:
    assert WaitingLine([], {}, 0.0, PERIOD).pop(0.0) is None


EXAMPLES: dict[str, tuple[float, dict[int, float], list[WaitingJob], str]] = {
    "by priority": (
        0.0,
        {},
        [waits(LOW, key="l"), waits(URGENT, key="u"), waits(NORMAL, key="n"), waits(HIGH, key="h")],
        "u h n l",
    ),
    "equals in the order of their submit": (
        10.0,
        {},
        [waits(queued=3, key="c"), waits(queued=1, key="a"), waits(queued=2, key="b")],
        "a b c",
    ),
    "low work that has waited a period beside normal work, by the order of submit": (
        110.0,
        {},
        [waits(NORMAL, 90, key="new"), waits(LOW, 5, key="old"), waits(LOW, 50, key="low")],
        "old new low",
    ),
    "overdue work before high work": (
        350.0,
        {},
        [waits(HIGH, 340, key="high"), waits(LOW, 40, key="overdue")],
        "overdue high",
    ),
    "urgent work before overdue work": (
        1000.0,
        {},
        [waits(LOW, 0, key="overdue"), waits(URGENT, 999, key="urgent")],
        "urgent overdue",
    ),
    "overdue work in the order of its submit, whatever its priority, owner and rank": (
        1000.0,
        {1: 500.0},
        [
            waits(HIGH, 30, owner=2, key="third"),
            waits(LOW, 10, owner=1, rank=99, key="first"),
            waits(NORMAL, 20, owner=3, rank=-5, key="second"),
        ],
        "first second third",
    ),
    "whoever had less device time first": (
        10.0,
        {1: 50.0, 2: 20.0},
        [waits(queued=1, owner=1, key="had"), waits(queued=2, owner=2, key="hadnt")],
        "hadnt had",
    ),
    "who never had any before who had some": (
        10.0,
        {1: 1.0},
        [waits(queued=1, owner=1, key="some"), waits(queued=9, owner=7, key="none")],
        "none some",
    ),
    "in turns, although one of them submitted all of his first": (
        10.0,
        {},
        [
            *(waits(queued=n, owner=1, key=f"a{n}") for n in (1, 2, 3)),
            *(waits(queued=n, owner=2, key=f"b{n}") for n in (4, 5, 6)),
        ],
        "a1 b4 a2 b5 a3 b6",
    ),
    "device time counts within a level only": (
        10.0,
        {1: 500.0},
        [waits(HIGH, owner=1, key="high"), waits(NORMAL, owner=2, key="normal")],
        "high normal",
    ),
    "one person's jobs by rank, though they were submitted otherwise": (
        10.0,
        {},
        [waits(queued=1, rank=5, key="last"), waits(queued=2, rank=3, key="first")],
        "first last",
    ),
    "somebody's rank passes nobody else": (
        10.0,
        {2: 0.5},
        [
            waits(queued=1, owner=1, key="his"),
            waits(queued=2, owner=2, rank=-100, key="front"),
            waits(queued=3, owner=2, key="hers"),
        ],
        "his front hers",
    ),
    "a device's own calibration after all others, however long it has waited": (
        1000.0,
        {},
        [
            waits(LOW, 0, key="own", pinned=1),
            waits(NORMAL, 990, key="asked", pinned=1),
            waits(LOW, 995, key="low"),
        ],
        "asked low own",
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_order_is(name: str) -> None:
    now, had, jobs, order = EXAMPLES[name]

    assert served(jobs, now, had) == order
    assert served(jobs[::-1], now, had) == order, "the order of the rows says nothing"


def test_turns_depend_on_the_cost_of_jobs_and_not_on_their_number() -> None:
    """One owner has a clip of six units, the other six pictures of one unit."""
    jobs = [waits(queued=1, owner=1, key="clip1", shape="clip")]
    jobs += [waits(queued=2, owner=1, key="clip2", shape="clip")]
    jobs += [waits(queued=3 + n, owner=2, key=f"p{n}") for n in range(7)]

    line = WaitingLine(jobs, {}, 10.0, PERIOD, lambda job: 6.0 if job.shape == "clip" else 1.0)

    order = [job.key for job, _ in in_order(line, 10.0)]
    assert order == ["clip1", "p0", "p1", "p2", "p3", "p4", "p5", "clip2", "p6"]


@pytest.mark.parametrize("moment", [299.0, 300.0])
def test_jobs_rise_while_time_passes_between_two_jobs(moment: float) -> None:
    """During a forecast, jobs become overdue and overtake high jobs."""
    jobs = [waits(HIGH, 250 + n, owner=2, key=f"h{n}") for n in range(3)]
    line = WaitingLine([waits(LOW, 0, owner=1, key="low"), *jobs], {1: 99.0}, 255.0, PERIOD)
    first = line.pop(255.0)
    assert first is not None
    assert first[0].key == "h0", "high both of them, and who asks for the low one had more"

    second = line.pop(moment)

    assert second is not None
    assert (second[0].key, second[1]) == (
        ("low", Level.OVERDUE) if moment == 300.0 else ("h1", Level.HIGH)
    )


def test_a_calibration_that_a_device_gave_itself_never_rises() -> None:
    line = WaitingLine([waits(LOW, 0, key="own", pinned=1)], {}, 0.0, PERIOD)

    popped = line.pop(9 * PERIOD)

    assert popped is not None
    assert popped[1] == Level.CALIBRATION


def test_a_job_that_rises_twice_at_once_is_returned_once() -> None:
    jobs = [waits(LOW, 0, key="low"), waits(HIGH, 0, key="high"), waits(NORMAL, 0, key="normal")]
    line = WaitingLine(jobs, {}, 0.0, PERIOD)

    order = [popped[0].key for popped in iter(lambda: line.pop(1000.0), None)]

    assert sorted(order) == ["high", "low", "normal"]
