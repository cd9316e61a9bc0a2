"""Estimates that are learned from attempts in the database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from generation.errors import ModelUnreadable
from generation.estimating.estimate import THIN
from generation.estimating.estimator import Estimator, shape_of
from generation.models import Device, Job, LearnedSpeed, ModelCard
from generation.queue import lifecycle
from generation.queue.timings import Timing
from generation.specs import RenderSpec, SourceFile, SourceUse
from generation.states import Stage, Work
from tests.conftest import changed
from tests.generation.conftest import Claim, Ran
from tests.generation.estimating.estimates import estimated, make_resident

pytestmark = pytest.mark.django_db

EXACT = 0.01
"""Tolerance: recording the history takes some milliseconds, which count."""


def another(name: str, **fields: Any) -> Device:
    """Create another online device."""
    works = [work.value for work in Work]
    return Device.objects.create(name=name, works=works, heartbeat_at=timezone.now(), **fields)


def test_without_history_there_is_no_estimate(
    spec: RenderSpec, device: Device, estimator: Estimator
) -> None:
    assert estimator.estimate(spec) is None
    assert estimator.estimate(spec, device) is None
    assert estimator.load_seconds(device, "toon") is None


def test_one_render_estimates_the_next_with_a_wide_range(
    ran: Ran, spec: RenderSpec, device: Device
) -> None:
    ran(30.0)
    make_resident(device, "toon")

    estimate = estimated(spec)

    assert estimate.seconds == pytest.approx(30.0, rel=EXACT)
    assert estimate.low < 20.0
    assert estimate.high > 45.0
    assert (estimate.evidence, estimate.rough) == (1, True)


def test_many_similar_renders_make_the_range_narrow(
    ran: Ran, spec: RenderSpec, device: Device
) -> None:
    make_resident(device, "toon")
    for _ in range(10):
        ran(30.0)

    estimate = estimated(spec)

    assert estimate.seconds == pytest.approx(30.0, rel=EXACT)
    assert 29.0 < estimate.low < estimate.seconds < estimate.high < 31.0
    assert (estimate.evidence, estimate.rough) == (10, False)


def test_the_width_of_a_range_follows_past_errors(
    ran: Ran, spec: RenderSpec, device: Device
) -> None:
    make_resident(device, "toon")
    for seconds in (30.0, 45.0, 20.0, 33.0, 26.0, 40.0, 22.0, 30.0, 38.0, 25.0):
        ran(seconds)

    estimate = estimated(spec)

    assert 24.0 < estimate.seconds < 38.0
    assert estimate.high / estimate.low > 1.5


def test_each_kind_of_work_has_its_own_range(ran: Ran, spec: RenderSpec, device: Device) -> None:
    make_resident(device, "toon")
    for _ in range(10):
        ran(30.0)

    final = estimated(replace(spec, quality="final"))

    assert final.seconds == pytest.approx(30.0, rel=EXACT), "the same stages"
    assert final.high > 1.4 * final.seconds, "no estimate of final quality was evaluated yet"


def test_an_unseen_number_of_steps_follows_from_the_seen_ones(
    ran: Ran, spec: RenderSpec, device: Device
) -> None:
    make_resident(device, "toon")
    for _ in range(3):
        ran(8.0, steps=4)

    assert estimated(replace(spec, steps=20)).seconds == pytest.approx(40.0, rel=0.02)


def test_an_unseen_size_is_between_its_neighbours_and_rough(
    ran: Ran, spec: RenderSpec, device: Device
) -> None:
    make_resident(device, "toon")
    for side, seconds in ((128, 4.0), (256, 14.0)) * 3:
        ran(seconds, width=side, height=side)

    between = estimated(replace(spec, width=192, height=192))

    # On a line through 4 s for area 1 and 14 s for area 4, the value for area 2.25.
    assert between.seconds == pytest.approx(8.2, rel=0.25)
    assert between.rough
    assert not estimated(spec).rough


def test_only_a_cold_device_has_loading_time(
    ran: Ran, spec: RenderSpec, device: Device, estimator: Estimator
) -> None:
    ran(9.0, load=4.0)
    ran(5.0)

    make_resident(device)
    cold = estimated(spec, device)
    make_resident(device, "toon")
    warm = estimated(spec, device)

    assert warm.seconds == pytest.approx(5.0, rel=EXACT)
    assert cold.seconds == pytest.approx(9.0, rel=EXACT)
    assert (warm.load, cold.load) == (0.0, pytest.approx(4.0, rel=EXACT))
    assert estimator.load_seconds(device, "toon") == pytest.approx(4.0, rel=EXACT)
    assert estimated(spec, device, cold=True).seconds == pytest.approx(cold.seconds)


def test_the_stages_of_an_estimate_are_those_of_the_render(
    ran: Ran, spec: RenderSpec, device: Device
) -> None:
    ran(9.0, load=4.0, tail=1.0)

    stages = estimated(spec, device).stages

    assert stages == {
        Stage.LOAD: pytest.approx(4.0, rel=EXACT),
        Stage.DENOISE: pytest.approx(4.0, rel=EXACT),
        Stage.DECODE: pytest.approx(0.5, rel=EXACT),
        Stage.WRITE: pytest.approx(0.5, rel=EXACT),
    }


def test_without_a_device_the_fastest_online_one_is_estimated(
    ran: Ran, spec: RenderSpec, device: Device
) -> None:
    slow = another("cuda:0", kind="cuda", label="old", resident=["toon"])
    away = Device.objects.create(name="cuda:1", kind="cuda", label="new", resident=["toon"])
    make_resident(device, "toon")
    ran(10.0)
    ran(40.0, on=slow)
    ran(1.0, on=away)

    assert not away.is_online
    assert estimated(spec).seconds == pytest.approx(10.0, rel=EXACT)
    assert estimated(spec, slow).seconds == pytest.approx(40.0, rel=EXACT)


def test_a_device_that_does_not_accept_the_work_is_ignored(
    ran: Ran, spec: RenderSpec, device: Device
) -> None:
    make_resident(device, "toon")
    ran(10.0)
    quick = another("cuda:0", kind="cuda", label="new", resident=["toon"])
    ran(1.0, on=quick)
    Device.objects.filter(pk=quick.pk).update(works=[Work.UPSCALE])

    assert estimated(spec).seconds == pytest.approx(10.0, rel=EXACT)


def test_a_device_with_the_loaded_model_is_faster(
    ran: Ran, spec: RenderSpec, device: Device
) -> None:
    ran(9.0, load=4.0)
    ran(5.0)
    another("cpu:1", kind="cpu", resident=["other", "toon"])

    assert estimated(spec, device).seconds == pytest.approx(9.0, rel=EXACT)
    assert estimated(spec).seconds == pytest.approx(5.0, rel=EXACT)


def test_the_speeds_of_a_twin_are_used_until_a_device_has_its_own_history(
    ran: Ran, spec: RenderSpec, device: Device, estimator: Estimator
) -> None:
    ran(10.0)
    twin = another("cpu:1", kind="cpu", resident=["toon"])
    stranger = another("cuda:0", kind="cuda", resident=["toon"])

    assert estimated(spec, twin).seconds == pytest.approx(10.0, rel=EXACT)
    assert estimator.estimate(spec, stranger) is None, "other hardware"

    ran(30.0, on=twin)
    assert estimated(spec, twin).seconds == pytest.approx(30.0, rel=EXACT)
    make_resident(device, "toon")
    assert estimated(spec, device).seconds == pytest.approx(10.0, rel=EXACT)


def test_another_models_speeds_give_a_rough_estimate_with_a_wide_range(
    ran: Ran, spec: RenderSpec, device: Device, toon: ModelCard
) -> None:
    """A model of ten times the volume that never ran on the device."""
    toon.costs = {"evaluate": [0.0, 1e7, 0.0, 0.0], "decode": [1e6, 0.0]}
    toon.save()
    heavy = {"evaluate": [0.0, 1e8, 0.0, 0.0], "decode": [1e6, 0.0]}
    ModelCard.objects.create(slug="oils", family="stable-diffusion", costs=heavy)
    make_resident(device, "toon", "oils")
    for _ in range(10):
        ran(30.0)

    oils = estimated(replace(spec, model="oils"))

    assert oils.seconds == pytest.approx(300.0, rel=0.05)
    assert (oils.evidence, oils.rough) == (0, True)
    known = estimated(spec)
    assert oils.high / oils.low > known.high / known.low


def test_enhancements_are_learned_separately_from_renders(
    ran: Ran,
    submit: Callable[..., Job],
    claimed: Claim,
    spec: RenderSpec,
    device: Device,
    estimator: Estimator,
) -> None:
    ran(10.0)
    source = SourceFile(file="outputs/one.png", sha256="a" * 64, use=SourceUse.ENHANCE)
    enhancing = {"source": source, "upscale": 2, "upscaler": "anime"}
    enhanced = changed(spec, **enhancing)
    assert estimator.estimate(enhanced) is None

    attempt = claimed(submit(**enhancing))
    timings = {Stage.LOAD: Timing(0.1), Stage.UPSCALE: Timing(7.0), Stage.WRITE: Timing(0.1)}
    assert lifecycle.complete(attempt, [], timings, estimator.learn)

    make_resident(device)
    estimate = estimated(enhanced)
    assert estimate.seconds == pytest.approx(7.2, rel=EXACT)
    assert estimate.load == 0.0, "no model is loaded for it"


def test_other_work_on_the_devices_host_makes_the_estimate_longer(
    ran: Ran, spec: RenderSpec, device: Device
) -> None:
    make_resident(device, "toon")
    ran(10.0)
    idle = estimated(spec, device).seconds
    device.host_load = 1.0

    assert estimated(spec, device).seconds == pytest.approx(2 * idle, rel=0.01), "a CPU shares"
    for _ in range(6):
        ran(35.0, noted={"host_load": 1.0})
    assert estimated(spec, device).seconds == pytest.approx(35.0, rel=0.05), "as it was seen"


def test_failed_and_cancelled_renders_teach_nothing(
    submit: Callable[..., Job], claimed: Claim, spec: RenderSpec, estimator: Estimator
) -> None:
    lifecycle.fail(claimed(submit()), ModelUnreadable("It broke."), {Stage.DENOISE: Timing(1.0)})
    lifecycle.end_cancelled(claimed(submit()), {Stage.DENOISE: Timing(1.0)})

    assert not LearnedSpeed.objects.exists()
    assert estimator.estimate(spec) is None


@pytest.mark.parametrize("noted", [{"resumed_from": 2}, {"batch_size": 4}], ids=str)
def test_batched_and_resumed_renders_teach_nothing(noted: dict[str, int], ran: Ran) -> None:
    ran(10.0, noted=noted)

    assert not LearnedSpeed.objects.exists()


def test_models_with_a_common_name_prefix_are_different(
    ran: Ran, device: Device, estimator: Estimator
) -> None:
    ran(9.0, load=4.0)
    estimator.speeds.refresh()

    own, others = estimator.speeds.source(device, "toon"), estimator.speeds.source(device, "too")

    assert own is not None
    assert others is not None
    assert (own.foreign, others.foreign) == (False, True)


@pytest.mark.parametrize(
    "change", [{"seed": 8}, {"prompt": "1boy"}, {"guidance": 9.0}, {"quality": "final"}], ids=str
)
def test_settings_of_equal_cost_have_equal_estimates(
    change: dict[str, Any], ran: Ran, spec: RenderSpec, device: Device
) -> None:
    ran(5.0)

    assert estimated(replace(spec, **change)).seconds == estimated(spec).seconds


def test_a_submit_stores_its_estimate(ran: Ran, submit: Callable[..., Job], device: Device) -> None:
    make_resident(device, "toon")
    for _ in range(THIN):
        ran(30.0)

    job = submit()

    assert job.estimated_seconds == pytest.approx(30.0, rel=EXACT)
    assert job.estimated_low is not None
    assert job.estimated_high is not None
    assert job.estimated_low < 30.0 < job.estimated_high


def test_waiting_jobs_count_with_the_seconds_of_a_warm_run(
    ran: Ran, spec: RenderSpec, device: Device, estimator: Estimator
) -> None:
    ran(9.0, load=4.0)
    estimator.speeds.refresh()
    shape = shape_of(spec)

    assert estimator.speeds.warm_seconds(device, shape) == pytest.approx(5.0, rel=EXACT)
    device.host_load = 1.0
    assert estimator.speeds.warm_seconds(device, shape) == pytest.approx(10.0, rel=EXACT)
    device.host_load = 0.0
    assert estimator.speeds.warm_seconds(device, shape) == pytest.approx(5.0, rel=EXACT)
