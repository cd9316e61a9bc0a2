"""Ranges cover nine of ten runs, on a steady machine and on a changing one."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from math import exp, isfinite, log, sin

import pytest
from hypothesis import given
from hypothesis import strategies as some

from generation.estimating.speeds.intervals import FEW, MEMORY, Band

Spread = Callable[[int], float]
"""The standard deviation of the logarithmic error, by the number of the render."""

DRIFTS: dict[str, Spread] = {
    "always alike": lambda number: 0.1,
    "swinging": lambda number: 0.05 * (1.5 + sin(number / 150)),
    "quiet and wild by turns": lambda number: 0.03 if number % 800 < 400 else 0.15,
    "ever worse": lambda number: 0.02 * 1.001**number,
}


def coverage(spread: Spread, seed: int, renders: int = 2000, warm_up: int = 100) -> float:
    """The share of actual times that were within the range given before."""
    chance, band, held = random.Random(seed), Band(), 0
    for number in range(renders):
        error = chance.gauss(0.0, spread(number))
        low, high = band.range(10.0)
        inside = low <= 10.0 * exp(error) <= high
        held += inside and number >= warm_up
        band.learn(error, inside)
    return held / (renders - warm_up)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("drift", DRIFTS)
def test_the_coverage_holds_while_the_machine_drifts(drift: str, seed: int) -> None:
    assert 0.88 <= coverage(DRIFTS[drift], seed) <= 0.93


def test_the_width_follows_the_errors() -> None:
    chance, widths = random.Random(4), {}
    for spread in (0.02, 0.2):
        band = Band()
        for _ in range(MEMORY):
            error = chance.gauss(0.0, spread)
            band.learn(error, abs(error) <= band.width())
        widths[spread] = band.width()

    assert widths[0.02] < 0.1 < widths[0.2]


def test_few_errors_give_a_wide_range() -> None:
    band = Band()
    for _ in range(FEW - 1):
        band.learn(0.001, inside=True)
    few = band.range(60.0)
    for _ in range(8):
        band.learn(0.001, inside=True)
    many = band.range(60.0)

    assert few == pytest.approx((40.0, 90.0))
    assert many[0] > 59.0
    assert many[1] < 61.0


def test_the_width_is_proportional_to_the_uncertainty() -> None:
    band = Band()
    for _ in range(20):
        band.learn(0.1, inside=True)

    low, high = band.range(10.0, unsure=3.0)

    assert log(high / 10.0) == pytest.approx(3 * band.width())
    assert low * high == pytest.approx(100.0)


def test_misses_widen_the_range_and_hits_narrow_it() -> None:
    band = Band([0.05 * number for number in range(1, 20)])
    usual = band.width()
    for _ in range(3):
        band.learn(0.5, inside=False)
    after_misses = band.width()
    for _ in range(60):
        band.learn(0.5, inside=True)

    assert after_misses > usual
    assert band.width() < after_misses


@given(
    some.lists(some.tuples(some.floats(-20.0, 20.0), some.booleans(), some.floats(1.0, 6.0))),
    some.floats(1e-3, 1e6),
    some.floats(1.0, 3.75),
)
def test_the_range_always_contains_the_estimate(
    errors: list[tuple[float, bool, float]], seconds: float, unsure: float
) -> None:
    band = Band()
    for error, inside, was_unsure in errors:
        band.learn(error, inside, was_unsure)

    low, high = band.range(seconds, unsure)

    assert 0.0 < low < seconds < high
    assert isfinite(high)
    assert len(band.errors) <= MEMORY


@given(some.lists(some.tuples(some.floats(-2.0, 2.0), some.booleans()), max_size=150))
def test_json_round_trip(errors: list[tuple[float, bool]]) -> None:
    band = Band()
    for error, inside in errors:
        band.learn(error, inside)

    again = Band.from_json(json.loads(json.dumps(band.as_json())))

    assert again.level == band.level
    assert again.range(10.0) == pytest.approx(band.range(10.0), rel=1e-4)
