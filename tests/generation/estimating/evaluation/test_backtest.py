"""The backtest: our estimates and those of other programs on the same records."""

from __future__ import annotations

import random

import pytest

from generation.estimating import cost
from generation.estimating.cost import Demands
from generation.estimating.evaluation.backtest import OURS, Accuracy, EstimatedRun, Record, replay
from generation.estimating.evaluation.peers import peers
from generation.estimating.shapes import parse
from generation.estimating.speeds.learning import REST
from generation.states import Stage
from tests.generation.estimating.machine import COSTS, Machine, shape

SMALL = str(shape("image", 100, denoising_steps=10))
LARGE = str(shape("image", 200, height=100, denoising_steps=20))


def demands_of(text: str) -> Demands:
    return cost.demands(parse(text), COSTS)


def record(text: str, seconds: dict[str, float]) -> Record:
    return Record(text, "image", "cpu:0", "cpu", False, 0.0, 0.0, seconds)


def drifting(count: int, seed: int = 3) -> list[Record]:
    """Pictures of a few sizes on a machine whose speed slowly halves, with noise."""
    source, machine = random.Random(seed), Machine()
    found = []
    for number in range(count):
        side, steps = source.choice([128, 192, 256]), source.choice([8, 12, 20, 30])
        text = str(shape("image", side, denoising_steps=steps))
        noise = source.lognormvariate(0.0, 0.06) * (1 + number / count)
        found.append(record(text, machine.stages(demands_of(text), noise=noise)))
    return found


def test_a_record_is_estimated_from_earlier_records_only() -> None:
    first = record(SMALL, {Stage.DENOISE: 1.0, Stage.DECODE: 0.1, REST: 0.1})
    second = record(SMALL, {Stage.DENOISE: 9.0, Stage.DECODE: 0.9, REST: 0.1})

    said = replay([first, second], demands_of)

    assert len(said[OURS]) == 1, "there is no history before the first record"
    assert said[OURS][0].seconds == pytest.approx(1.2, rel=0.02)
    assert said[OURS][0].actual == pytest.approx(10.0)


def test_skipped_records_are_learned_and_not_evaluated() -> None:
    said = replay(drifting(40), demands_of, skip=30)

    assert {len(estimated) for estimated in said.values()} == {10}


def test_ours_is_more_accurate_than_all_formulas_on_a_drifting_machine() -> None:
    said = replay(drifting(300), demands_of, skip=30)
    errors = {name: Accuracy.of(estimated).mean_error or 0.0 for name, estimated in said.items()}

    ours = errors.pop(OURS)
    assert ours < 0.08
    assert all(ours < theirs for theirs in errors.values()), errors


def test_the_range_covers_nine_of_ten_while_the_machine_drifts() -> None:
    coverage = Accuracy.of(replay(drifting(600), demands_of, skip=60)[OURS]).coverage

    assert coverage is not None
    assert 0.87 <= coverage <= 0.93


def test_the_peers_formulas_by_hand() -> None:
    found = peers()
    for text, seconds in ((SMALL, 2.0), (SMALL, 4.0), (LARGE, 12.0)):
        for peer in found.values():
            peer.learn(text, seconds)

    assert found["SwarmUI"].estimate(SMALL) == pytest.approx(6.0), "the mean of all"
    # The mean speed of 0.1 megapixel-steps in 2 and in 4 seconds, and 0.4 in 12, is 1.3 / 36.
    speed = (0.1 / 2 + 0.1 / 4 + 0.4 / 12) / 3
    assert found["AI-Horde"].estimate(LARGE) == pytest.approx(0.4 / speed)
    assert found["ComfyUI mean"].estimate(LARGE) == pytest.approx(6.0)
    assert found["ComfyUI p75"].estimate(LARGE) == pytest.approx(4.0)
    assert found["median of the like"].estimate(SMALL) == pytest.approx(3.0)


def test_comfyui_looks_back_twenty_jobs() -> None:
    peer = peers()["ComfyUI mean"]
    peer.learn(SMALL, 1000.0)
    for _ in range(20):
        peer.learn(SMALL, 1.0)

    assert peer.estimate(SMALL) == pytest.approx(1.0)


def test_without_history_no_formula_gives_an_estimate() -> None:
    assert {peer.estimate(SMALL) for peer in peers().values()} == {None}


def test_the_figures_of_some_estimates() -> None:
    found = Accuracy.of(
        [
            EstimatedRun(1.0, 1.0, 0.9, 1.1),
            EstimatedRun(1.2, 1.0, 1.1, 1.3),
            EstimatedRun(2.0, 1.0, 0.5, 4.0),
            EstimatedRun(1.1, 1.0),
        ]
    )

    assert (found.count, found.within) == (4, 0.75)
    assert found.mean_error == pytest.approx((0 + 0.2 + 1.0 + 0.1) / 4)
    assert found.median_error == pytest.approx(0.15)
    assert found.coverage == pytest.approx(2 / 3), "of the estimates with a range"
    assert Accuracy.of([]) == Accuracy(0, None, None, None, None)
