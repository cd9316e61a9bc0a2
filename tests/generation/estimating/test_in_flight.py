"""The time left of a run, with a simulated clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as some

from generation.estimating.in_flight import STEADY, InFlight
from generation.states import Stage

ESTIMATED = {
    Stage.LOAD: 2.0,
    Stage.ENCODE: 0.1,
    Stage.DENOISE: 20.0,
    Stage.DECODE: 4.0,
    Stage.WRITE: 2.0,
}
WEIGHTS = {Stage.DENOISE: 20.0, Stage.DECODE: 4.0, Stage.WRITE: 2.0}
STEPS = 20
AFTER_DENOISING = [Stage.DECODE, Stage.WRITE]


@dataclass
class Run:
    """A run of STEPS steps with a simulated clock."""

    estimated: Mapping[Stage, float] = field(default_factory=lambda: ESTIMATED)
    now: float = 1000.0

    def __post_init__(self) -> None:
        self.flight = InFlight(self.estimated, WEIGHTS, STEPS, clock=lambda: self.now)

    def part(self, seconds: float, share: float) -> None:
        self.now += seconds
        self.flight.move(share)

    def whole(self, stage: Stage, seconds: float) -> None:
        """Run a stage that reports no parts."""
        self.flight.begin(stage)
        self.now += seconds
        self.flight.end()

    def left(self, *later: Stage) -> float:
        seconds = self.flight.left(later)
        assert seconds is not None
        return seconds


def test_a_run_as_estimated_counts_down_steadily() -> None:
    run, told = Run(), []
    run.whole(Stage.LOAD, 2.0)
    run.whole(Stage.ENCODE, 0.1)
    run.flight.begin(Stage.DENOISE)
    for step in range(1, STEPS + 1):
        run.part(1.0, step / STEPS)
        told.append(run.left(*AFTER_DENOISING))
    run.flight.end()
    run.flight.begin(Stage.DECODE)
    for frame in range(1, 5):
        run.part(1.0, frame / 4)
        told.append(run.left(Stage.WRITE))

    assert told == pytest.approx([26.0 - second for second in range(1, 25)], rel=1e-6)


def test_the_time_left_decreases_between_two_steps() -> None:
    run = Run()
    run.flight.begin(Stage.DENOISE)
    run.part(1.0, 1 / STEPS)
    before = run.left(*AFTER_DENOISING)

    run.now += 0.5

    assert run.left(*AFTER_DENOISING) == pytest.approx(before - 0.5)


@pytest.mark.parametrize("slower", [0.5, 1.0, 3.0])
def test_the_time_left_follows_the_pace_of_the_run(slower: float) -> None:
    """After half of the steps, the pace applies to all that is left."""
    run = Run()
    run.flight.begin(Stage.DENOISE)
    for step in range(1, STEPS // 2 + 1):
        run.part(slower, step / STEPS)

    true = slower * (10.0 + 4.0 + 2.0)
    assert run.left(*AFTER_DENOISING) == pytest.approx(true, rel=0.2)
    for step in range(STEPS // 2 + 1, STEPS + 1):
        run.part(slower, step / STEPS)
    assert run.left(*AFTER_DENOISING) == pytest.approx(slower * 6.0, rel=0.1)


def test_a_slower_pace_changes_the_time_left_gradually() -> None:
    run, told = Run(), []
    run.flight.begin(Stage.DENOISE)
    for step in range(1, STEPS + 1):
        run.part(2.0, step / STEPS)
        told.append(run.left(*AFTER_DENOISING))

    changes = [later - sooner for sooner, later in pairwise(told)]
    assert max(changes) < 6.0, "from 26 estimated seconds to 52 in small steps"
    assert all(change < 0 for change in changes[5:])


def test_a_stage_without_parts_that_took_longer_makes_the_rest_longer() -> None:
    run = Run()
    run.whole(Stage.LOAD, 8.0)
    run.flight.begin(Stage.DENOISE)

    assert run.left(*AFTER_DENOISING) > 26.0


def test_a_stage_without_an_estimate_does_not_affect_the_pace() -> None:
    run = Run({Stage.DENOISE: 3600.0})
    run.whole(Stage.ENCODE, 0.5)
    run.flight.begin(Stage.DENOISE)

    assert run.flight.pace == 1.0
    assert run.left() == 3600.0


def test_the_begin_of_a_stage_does_not_change_the_time_left() -> None:
    run = Run()
    run.flight.begin(Stage.DENOISE)
    for step in range(1, STEPS + 1):
        run.part(1.3, step / STEPS)
    before = run.left(*AFTER_DENOISING)
    run.flight.end()
    run.flight.begin(Stage.DECODE)

    assert run.left(Stage.WRITE) == pytest.approx(before)


def test_a_stage_that_exceeds_its_estimate_always_has_time_left() -> None:
    run = Run()
    run.flight.begin(Stage.WRITE)
    told = []
    for _ in range(60):
        run.now += 1.0
        told.append(run.left())

    assert told[0] == pytest.approx(1.0)
    assert min(told) > 0.1
    assert told[2:] == sorted(told[2:]), "it grows slowly with the stage's age"
    assert told[-1] < 0.2 * 60


def test_a_stalled_run_does_not_count_down_to_zero() -> None:
    run = Run()
    run.flight.begin(Stage.DENOISE)
    run.part(1.0, 1 / STEPS)
    run.now += 300.0

    assert run.left() > 30.0


def test_without_an_estimate_the_time_left_is_unknown_for_three_parts() -> None:
    run = Run(estimated={})
    run.whole(Stage.LOAD, 5.0)
    run.flight.begin(Stage.DENOISE)
    told = [run.flight.left(AFTER_DENOISING)]
    for step in range(1, 5):
        run.part(2.0, step / STEPS)
        told.append(run.flight.left(AFTER_DENOISING))

    assert told[:STEADY] == [None, None, None]
    # 20 units of denoising, of which each took two seconds, and 6 units after it.
    assert told[STEADY:] == [pytest.approx(46.0), pytest.approx(44.0)]


def test_before_any_stage_the_time_left_is_unknown() -> None:
    assert Run().flight.left(list(ESTIMATED)) is None


def test_a_repeated_or_smaller_share_changes_nothing() -> None:
    run = Run()
    run.flight.begin(Stage.DENOISE)
    run.part(1.0, 0.5)
    before = run.left(*AFTER_DENOISING)

    run.flight.move(0.5)
    run.flight.move(0.2)

    assert run.left(*AFTER_DENOISING) == before


@given(
    some.lists(some.floats(0.0, 1000.0), min_size=STEPS, max_size=STEPS),
    some.floats(0.0, 1000.0),
    some.booleans(),
)
def test_the_time_left_is_always_positive(steps: list[float], pause: float, known: bool) -> None:
    run = Run(ESTIMATED if known else {})
    run.flight.begin(Stage.DENOISE)
    for number, seconds in enumerate(steps, start=1):
        run.part(seconds, number / STEPS)
        run.now += pause
        left = run.flight.left(AFTER_DENOISING)
        assert left is None or left >= 0.0
        if left is not None and sum(steps[:number]) > 1e-6:
            assert left > 0.0
