"""Learning of speeds: unseen sizes and lengths, drift, and host load."""

from __future__ import annotations

import json
from math import exp, isfinite
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from generation.estimating.cost import Demands
from generation.estimating.speeds.learning import REST, Speeds
from generation.estimating.speeds.stage_speed import ALIKE_KEPT
from generation.states import Stage
from tests.generation.estimating.machine import Machine, clip, picture, plan

SIZES = (128, 192, 256)


def off(speeds: Speeds, machine: Machine, demands: Demands, load: float = 0.0) -> float:
    """The relative error of the estimate."""
    true = sum(machine.stages(demands, load).values())
    return abs(plan(speeds, demands, load) - true) / true


def machine_of(share: float, seconds: float) -> Machine:
    """A machine by its seconds of an evaluation of 256x256; `share` of it is constant."""
    denoise = picture(256)[Stage.DENOISE]
    return Machine(share * seconds, (1 - share) * seconds * denoise.count / denoise.volume)


def settled(machine: Machine) -> Speeds:
    """Speeds after four renders of three sizes on an idle host."""
    speeds = Speeds()
    machine.teach(speeds, *[picture(side) for side in SIZES] * 4)
    return speeds


@given(
    share=some.floats(0.0, 1.0),
    seconds=some.floats(0.005, 20.0),
    side=some.sampled_from([136, 192, 320, 384, 512]),
    steps=some.integers(1, 150),
)
def test_two_sizes_estimate_a_third_for_any_steps(
    share: float, seconds: float, side: int, steps: int
) -> None:
    machine, speeds = machine_of(share, seconds), Speeds()
    machine.teach(speeds, picture(128), picture(256))

    assert off(speeds, machine, picture(side, steps)) < 0.25


@given(
    share=some.floats(0.0, 1.0),
    frames=some.sampled_from([8, 12, 24, 48, 120]),
    side=some.sampled_from([128, 160, 192, 256]),
)
def test_three_clips_estimate_lengths_and_sizes_that_were_never_seen(
    share: float, frames: int, side: int
) -> None:
    machine, speeds = machine_of(share, 0.2), Speeds()
    machine.teach(speeds, clip(8), clip(16), clip(16, side=192))

    assert off(speeds, machine, clip(frames, side, steps=20)) < 0.25


def test_one_size_estimates_its_own_steps_well_and_other_sizes_roughly() -> None:
    machine, speeds = Machine(), Speeds()
    machine.teach(speeds, picture(256))

    assert off(speeds, machine, picture(256)) < 0.001
    assert off(speeds, machine, picture(256, steps=60)) < 0.05
    assert speeds.unsure(picture(192)) > speeds.unsure(picture(256, steps=60)) > 1.0


def test_the_uncertainty_falls_with_each_similar_render() -> None:
    machine, speeds = Machine(), Speeds()
    unsure = [speeds.unsure(picture(256))]
    for _ in range(4):
        machine.teach(speeds, picture(256))
        unsure.append(speeds.unsure(picture(256)))

    assert unsure == sorted(unsure, reverse=True)
    assert unsure[0] == 3.0


def test_without_a_render_nothing_is_estimated() -> None:
    assert Speeds().stage_seconds(picture(256), cold=False, load=0.0) is None
    assert Speeds().rest_seconds(0.0) == 0.0


def test_a_stage_that_never_ran_is_not_estimated() -> None:
    speeds = settled(Machine())

    larger = picture(256, upscale=2, upscaler="anime")

    assert speeds.stage_seconds(larger, cold=False, load=0.0) is None


def test_a_stage_after_drawing_is_estimated_from_other_models() -> None:
    machine, speeds, seldom, often = Machine(), settled(Machine()), Speeds(), Speeds()
    larger = picture(256, upscale=2, upscaler="anime")
    machine.teach(often, larger, larger)
    Machine(each=5.0).teach(seldom, larger)

    found = speeds.stage_seconds(larger, cold=False, load=0.0, beside=[seldom, often, speeds])

    assert found is not None
    assert found[Stage.UPSCALE] == pytest.approx(machine.stages(larger)[Stage.UPSCALE], rel=0.01)


def test_denoising_is_not_estimated_from_other_models() -> None:
    speeds, other = Speeds(), settled(Machine())
    speeds.learn({Stage.WRITE: picture(256)[Stage.WRITE]}, {"write": 0.1}, cold=False, load=0.0)

    assert speeds.stage_seconds(picture(256), cold=False, load=0.0, beside=[other]) is None


def test_loading_counts_if_the_model_is_not_loaded() -> None:
    machine, speeds, demands = Machine(), Speeds(), picture(256)
    stages = {**machine.stages(demands), Stage.LOAD: 4.0}
    speeds.learn(demands, stages, cold=True, load=0.0)

    cold = speeds.stage_seconds(demands, cold=True, load=0.0)
    warm = speeds.stage_seconds(demands, cold=False, load=0.0)

    assert cold is not None
    assert warm is not None
    assert cold[Stage.LOAD] == pytest.approx(4.0)
    assert Stage.LOAD not in warm
    assert {**cold, **warm} == cold, "the other stages are the same"


def test_unseen_small_stages_do_not_prevent_an_estimate() -> None:
    machine, speeds, demands = Machine(), Speeds(), picture(256)
    stages = machine.stages(demands)
    del stages[Stage.ENCODE], stages[Stage.WRITE]
    speeds.learn(demands, stages, cold=False, load=0.0)

    found = speeds.stage_seconds(demands, cold=True, load=0.0)

    assert found is not None
    assert set(found) == {Stage.DENOISE, Stage.DECODE}


def test_estimates_follow_a_device_that_becomes_slower() -> None:
    """The device becomes twice as slow at once, and later as fast as before."""
    quick, slow = Machine(), Machine(each=0.02, volume=4.0)
    speeds = settled(quick)

    slow.teach(speeds, *[picture(256)] * 8)
    assert off(speeds, slow, picture(256)) < 0.05
    assert off(speeds, slow, picture(320)) < 0.1, "other sizes are slower too"

    quick.teach(speeds, *[picture(256)] * 8)
    assert off(speeds, quick, picture(256)) < 0.05


def test_the_drift_seen_with_one_model_applies_to_the_others() -> None:
    """The device became slower, and only one of two models was rendered since."""
    usual, slow = Machine(), Machine(each=0.015, volume=3.0)
    shown, other = settled(usual), settled(usual)

    slow.teach(shown, *[picture(256)] * 8)

    before = other.stage_seconds(picture(256), cold=False, load=0.0)
    now = other.stage_seconds(picture(256), cold=False, load=0.0, drift=shown.drift)
    assert before is not None
    assert now is not None
    assert now[Stage.DENOISE] / before[Stage.DENOISE] == pytest.approx(
        exp(shown.drift - other.drift)
    )
    assert shown.drift > 0.1


def test_learning_continues_from_the_latest_drift_of_the_device() -> None:
    slow = Machine(each=0.015, volume=3.0)
    shown, other = settled(Machine()), settled(Machine())
    slow.teach(shown, *[picture(256)] * 3)
    drift, turn = shown.drift, shown.turn

    other.learn(picture(256), slow.stages(picture(256)), cold=False, load=0.0, latest=shown)

    assert other.drift > drift > 0
    assert other.turn == turn + 1
    twin = Speeds.from_json(json.loads(json.dumps(shown.as_json())))
    shown.learn(picture(256), slow.stages(picture(256)), cold=False, load=0.0, latest=shown)
    twin.learn(picture(256), slow.stages(picture(256)), cold=False, load=0.0)
    assert shown.as_json() == twin.as_json(), "these speeds are the latest, so their drift is kept"


def test_data_of_an_older_version_give_the_same_estimates() -> None:
    speeds = settled(Machine())
    Machine(each=0.015, volume=3.0).teach(speeds, *[picture(256)] * 3)
    old = json.loads(json.dumps(speeds.as_json()))
    del old["turn"]

    read = Speeds.from_json(old)

    assert (read.drift, read.turn) == (0.0, 0)
    for demands in (picture(256), picture(320)):
        for load in (0.0, 0.7):
            assert plan(read, demands, load) == pytest.approx(plan(speeds, demands, load), rel=1e-6)


def test_one_outlier_changes_estimates_only_moderately() -> None:
    machine = Machine()
    speeds = settled(machine)

    machine.teach(speeds, picture(256), noise=50.0)

    assert plan(speeds, picture(192)) < 1.5 * sum(machine.stages(picture(192)).values())


def test_the_slowdown_by_host_load_is_learned_without_changing_the_idle_speeds() -> None:
    machine = Machine(slowdown=lambda load: 1.0 + 0.8 * load)
    speeds = settled(machine)

    machine.teach(speeds, *[picture(256)] * 6, load=1.0)

    assert off(speeds, machine, picture(256), load=1.0) < 0.01
    assert off(speeds, machine, picture(192), load=1.0) < 0.03, "another size under that load"
    assert off(speeds, machine, picture(320), load=1.0) < 0.03, "a size that was never seen"
    for side in SIZES:
        assert off(speeds, machine, picture(side)) < 0.03


def test_each_host_load_has_its_own_slowdown() -> None:
    machine = Machine(slowdown=lambda load: 1.0 + load**2)
    speeds = settled(machine)
    for _ in range(10):
        for load in (0.25, 0.5, 1.0, 2.0):
            machine.teach(speeds, picture(256), load=load)

    found = [plan(speeds, picture(192), load) for load in (0.0, 0.25, 0.5, 1.0, 2.0)]

    idle = sum(machine.stages(picture(192)).values())
    expected = [idle * factor for factor in (1.0, 1.0625, 1.25, 2.0, 5.0)]
    assert found == pytest.approx(expected, rel=0.1)


def test_a_cpu_but_not_a_gpu_is_assumed_to_slow_down_under_host_load() -> None:
    for kind, slower in (("cpu", 2.0), ("cuda", 1.0)):
        speeds = Speeds(kind)
        Machine().teach(speeds, picture(256))

        busy, idle = (plan(speeds, picture(256), load) for load in (1.0, 0.0))

        assert busy / idle == pytest.approx(slower, rel=0.01)


def test_stages_of_another_model_are_estimated_by_volume() -> None:
    machine = machine_of(0.0, 0.2)
    speeds = settled(machine)
    heavy = picture(256)
    denoise = heavy[Stage.DENOISE]
    ten_times = type(denoise)(denoise.count, 10 * denoise.volume, "another model")

    found = speeds.stage_seconds(
        {**heavy, Stage.DENOISE: ten_times}, cold=False, load=0.0, foreign=True
    )

    assert found is not None
    assert found[Stage.DENOISE] == pytest.approx(10 * 20 * 0.2, rel=0.05)


def test_the_stored_state_stays_small() -> None:
    machine, speeds = Machine(), Speeds()
    for number in range(600):
        demands = picture(128 + 8 * (number % 200), steps=1 + number % 7)
        machine.teach(speeds, demands, load=(number % 9) / 4)

    assert all(len(one.alike) <= ALIKE_KEPT for one in speeds.stages.values())
    assert all(len(one.busy) <= ALIKE_KEPT for one in speeds.stages.values())
    assert len(json.dumps(speeds.as_json())) < 50_000
    assert picture(128 + 8 * 199)[Stage.DENOISE].like in speeds.stages[Stage.DENOISE].alike


SECONDS = some.floats(0.0, 1e5)
RENDERS = some.lists(
    some.fixed_dictionaries(
        {
            "demands": some.one_of(
                some.builds(picture, some.sampled_from([128, 256, 1024]), some.integers(1, 150)),
                some.builds(clip, some.sampled_from([8, 16, 200])),
            ),
            "seconds": some.lists(SECONDS, min_size=8, max_size=8),
            "load": some.floats(0.0, 40.0),
            "cold": some.booleans(),
        }
    ),
    max_size=12,
)
STAGES = (*Stage, REST)


def learned(renders: list[dict[str, Any]]) -> Speeds:
    """Speeds after an arbitrary history."""
    speeds = Speeds()
    for render in renders:
        stages = dict(zip(STAGES, render["seconds"], strict=False))
        speeds.learn(
            render["demands"],
            {**stages, REST: render["seconds"][-1]},
            cold=render["cold"],
            load=render["load"],
        )
    return speeds


@settings(max_examples=60)
@given(RENDERS, some.floats(0.0, 40.0))
def test_estimates_are_finite_and_positive_for_any_history(
    renders: list[dict[str, Any]], load: float
) -> None:
    speeds = learned(renders)

    for demands in (picture(64), picture(4096, 150), clip(1000), clip(8)):
        for cold in (False, True):
            stages = speeds.stage_seconds(demands, cold=cold, load=load) or {}
            assert all(isfinite(seconds) and seconds >= 0 for seconds in stages.values())
        assert 1.0 <= speeds.unsure(demands) <= 3.0
    assert isfinite(speeds.rest_seconds(load))
    assert speeds.rest_seconds(load) >= 0


@settings(max_examples=40)
@given(RENDERS, some.floats(0.0, 4.0))
def test_a_json_round_trip_keeps_the_estimates(renders: list[dict[str, Any]], load: float) -> None:
    speeds = learned(renders)
    speeds.band("image").learn(0.2, inside=True)

    again = Speeds.from_json(json.loads(json.dumps(speeds.as_json())))

    for demands in (picture(256), picture(320), clip(24)):
        assert again.stage_seconds(demands, cold=True, load=load) == speeds.stage_seconds(
            demands, cold=True, load=load
        )
        assert again.unsure(demands) == speeds.unsure(demands)
    assert again.rest_seconds(load) == speeds.rest_seconds(load)
    assert again.band("image") == speeds.band("image")
    assert (again.kind, again.attempts) == (speeds.kind, speeds.attempts)
