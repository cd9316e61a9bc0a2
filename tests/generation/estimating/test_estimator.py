"""What a render will take, learned from renders like it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from generation import jobs
from generation.attempts import Timing
from generation.errors import ModelUnreadable
from generation.estimating import estimator
from generation.models import Device, Job
from generation.specs import Lora, RenderSpec
from generation.states import Stage
from tests.generation.conftest import Claim, Ran

pytestmark = pytest.mark.django_db


def make_resident(device: Device, *slugs: str) -> None:
    Device.objects.filter(pk=device.pk).update(resident=list(slugs))
    device.resident = list(slugs)


def test_without_history_there_is_no_estimate(spec: RenderSpec, device: Device) -> None:
    assert estimator.predict(spec) is None
    assert estimator.predict(spec, device) is None
    assert estimator.stage_seconds(spec) == {}
    assert estimator.load_seconds("toon") is None


def test_the_estimate_is_the_median_of_like_renders(
    ran: Ran, spec: RenderSpec, device: Device
) -> None:
    for seconds in (2.0, 90.0, 3.0):
        ran(seconds)
    make_resident(device, "toon")

    prediction = estimator.predict(spec)

    assert prediction is not None
    assert (prediction.seconds, prediction.evidence) == (3.0, 3)


def test_the_range_spans_nine_of_ten(ran: Ran, spec: RenderSpec, device: Device) -> None:
    for seconds in range(1, 22):
        ran(float(seconds))
    make_resident(device, "toon")

    prediction = estimator.predict(spec)

    assert prediction is not None
    assert (prediction.low, prediction.seconds, prediction.high) == (2.0, 11.0, 20.0)


def test_one_render_is_its_own_range(ran: Ran, spec: RenderSpec, device: Device) -> None:
    ran(3.0)
    make_resident(device, "toon")

    prediction = estimator.predict(spec)

    assert prediction is not None
    assert (prediction.low, prediction.seconds, prediction.high) == (3.0, 3.0, 3.0)


def test_only_the_latest_renders_count(ran: Ran, spec: RenderSpec, device: Device) -> None:
    for _ in range(5):
        ran(100.0)
    for _ in range(estimator.HISTORY):
        ran(1.0)
    make_resident(device, "toon")

    prediction = estimator.predict(spec)

    assert prediction is not None
    assert (prediction.high, prediction.evidence) == (1.0, estimator.HISTORY)


def test_a_cold_device_pays_for_loading_and_a_warm_one_does_not(
    ran: Ran, spec: RenderSpec, device: Device
) -> None:
    ran(9.0, load=4.0, cold=True)
    ran(5.0)

    make_resident(device)
    cold = estimator.predict(spec, device)
    make_resident(device, "toon")
    warm = estimator.predict(spec, device)

    assert cold is not None
    assert warm is not None
    assert (warm.low, warm.seconds, warm.high) == (5.0, 5.0, 5.0)
    assert (cold.low, cold.seconds, cold.high) == (9.0, 9.0, 9.0)


def test_without_a_device_one_that_has_the_model_loaded_is_enough(
    ran: Ran, spec: RenderSpec, device: Device
) -> None:
    ran(9.0, load=4.0, cold=True)
    away = Device.objects.create(name="cpu:1", resident=["toon"])

    cold = estimator.predict(spec)
    make_resident(device, "other", "toon")
    warm = estimator.predict(spec)

    assert not away.is_online
    assert (cold and cold.seconds, warm and warm.seconds) == (9.0, 5.0)


def test_loading_that_was_never_seen_adds_nothing(ran: Ran, spec: RenderSpec) -> None:
    ran(5.0)

    prediction = estimator.predict(spec)

    assert prediction is not None
    assert prediction.seconds == 5.0


def test_each_device_has_a_history_of_its_own(ran: Ran, spec: RenderSpec, device: Device) -> None:
    slow = Device.objects.create(name="cpu:1", resident=["toon"])
    make_resident(device, "toon")
    ran(2.0, load=0.5, cold=True)
    ran(20.0, load=5.0, cold=True, on=slow)

    quick, late = estimator.predict(spec, device), estimator.predict(spec, slow)

    assert (quick and quick.seconds, late and late.seconds) == (1.5, 15.0)
    assert estimator.load_seconds("toon", device) == 0.5
    assert estimator.load_seconds("toon", slow) == 5.0


@pytest.mark.parametrize(
    "change",
    [
        {"width": 136},
        {"height": 136},
        {"steps": 5},
        {"guidance": 1.0},
        {"scheduler": "DDIMScheduler"},
        {"model": "other"},
        {"frames": 8},
        {"loras": (Lora(file="one.safetensors", sha256="a" * 64),)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_shape_has_no_history(change: dict[str, Any], ran: Ran, spec: RenderSpec) -> None:
    ran(5.0)

    assert estimator.predict(replace(spec, **change)) is None


@pytest.mark.parametrize(
    "change", [{"seed": 8}, {"prompt": "1boy"}, {"guidance": 9.0}, {"quality": "final"}], ids=str
)
def test_what_costs_the_same_shares_a_history(
    change: dict[str, Any], ran: Ran, spec: RenderSpec
) -> None:
    ran(5.0)

    assert estimator.predict(replace(spec, **change)) is not None


def test_failed_and_cancelled_renders_teach_nothing(
    submit: Callable[..., Job], claimed: Claim, spec: RenderSpec
) -> None:
    jobs.fail(claimed(submit()), ModelUnreadable("It broke."), {})
    jobs.end_cancelled(claimed(submit()), {})

    assert estimator.predict(spec) is None


def test_a_load_that_failed_says_nothing_about_loading(
    submit: Callable[..., Job], claimed: Claim, ran: Ran
) -> None:
    ran(9.0, load=4.0, cold=True)
    for _ in range(3):
        attempt = claimed(submit())
        attempt.cold = True
        jobs.fail(attempt, ModelUnreadable("It broke."), {Stage.LOAD: Timing(0.001)})

    assert estimator.load_seconds("toon") == 4.0


def test_a_model_whose_name_begins_like_another_is_another(ran: Ran) -> None:
    ran(9.0, load=4.0, cold=True)

    assert estimator.load_seconds("too") is None


def test_each_stage_takes_what_it_took_in_like_renders(ran: Ran, spec: RenderSpec) -> None:
    for tail in (0.2, 0.4, 8.0):
        ran(5.0, tail=tail)

    seconds = estimator.stage_seconds(spec)
    assert seconds[Stage.DECODE] + seconds[Stage.WRITE] == pytest.approx(0.4)


def test_a_submit_remembers_what_was_foretold(
    ran: Ran, submit: Callable[..., Job], device: Device
) -> None:
    for seconds in (2.0, 3.0, 4.0):
        ran(seconds)
    make_resident(device, "toon")

    job = submit()

    assert job.predicted_seconds == 3.0
    assert job.predicted_low is not None
    assert job.predicted_high is not None
    assert job.predicted_low < 3.0 < job.predicted_high
