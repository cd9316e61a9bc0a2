"""Examples of which devices yield to urgent work."""

from __future__ import annotations

import pytest

from generation.scheduling.preemption import (
    MAX_PREEMPTIONS,
    Running,
    may_yield,
    nearly_done,
    victims,
)
from generation.states import Priority

URGENT, HIGH, NORMAL, LOW = Priority.URGENT, Priority.HIGH, Priority.NORMAL, Priority.LOW


def runs(
    device: str = "cuda:0",
    priority: Priority = NORMAL,
    preemptions: int = 0,
    remaining: float | None = 100.0,
    whole: float | None = 200.0,
) -> Running:
    return Running(device, priority, preemptions, remaining, whole)


@pytest.mark.parametrize(
    ("remaining", "whole", "is_nearly_done"),
    [
        (100.0, 200.0, False),
        (5.0, 100.0, True),
        (5.1, 100.0, False),
        (20.0, 4000.0, True),
        (20.1, 4000.0, False),
        (1.0, 10.0, False),
        (0.0, 10.0, True),
        (-3.0, 10.0, True),
        (0.0, 0.0, True),
        (None, None, False),
        (3.0, None, False),
        (None, 100.0, False),
    ],
)
def test_a_run_is_nearly_done_with_a_small_fraction_and_few_seconds_left(
    remaining: float | None, whole: float | None, is_nearly_done: bool
) -> None:
    assert nearly_done(runs(remaining=remaining, whole=whole)) is is_nearly_done


@pytest.mark.parametrize(
    ("running", "may"),
    [
        (runs(priority=URGENT), False),
        (runs(priority=HIGH), True),
        (runs(priority=NORMAL), True),
        (runs(priority=LOW), True),
        (runs(preemptions=MAX_PREEMPTIONS - 1), True),
        (runs(preemptions=MAX_PREEMPTIONS), False),
        (runs(remaining=2.0, whole=100.0), False),
        (runs(remaining=None, whole=None), True),
    ],
    ids=str,
)
def test_whether_a_job_may_be_preempted(running: Running, may: bool) -> None:
    assert may_yield(running) is may


@pytest.mark.parametrize(
    ("running", "urgent", "devices"),
    [
        ([], 1, []),
        ([runs("a")], 1, ["a"]),
        ([runs("a")], 0, []),
        ([runs("a")], -2, []),
        ([runs("a"), runs("b")], 5, ["a", "b"]),
        ([runs("b"), runs("a")], 1, ["a"]),
        ([runs("a", HIGH), runs("b", LOW), runs("c")], 2, ["b", "c"]),
        ([runs("a", preemptions=1), runs("b")], 1, ["b"]),
        ([runs("a", LOW, preemptions=2), runs("b")], 1, ["a"]),
        ([runs("a", remaining=50.0), runs("b", remaining=90.0)], 1, ["b"]),
        ([runs("a", remaining=50.0), runs("b", remaining=None, whole=None)], 1, ["b"]),
        ([runs("a", URGENT), runs("b", remaining=1.0), runs("c", HIGH)], 3, ["c"]),
    ],
    ids=[
        "nobody runs",
        "the only one",
        "none is needed",
        "free devices are more than enough",
        "as many as there are",
        "of two alike the first by name",
        "the lowest priority first",
        "then who yielded least",
        "but the priority counts more",
        "then what has longest to go",
        "which may be what nobody can estimate",
        "never what may not be interrupted",
    ],
)
def test_the_devices_that_yield(running: list[Running], urgent: int, devices: list[str]) -> None:
    assert victims(running, urgent) == devices
    assert victims(running[::-1], urgent) == devices, "every device must find the same answer"
