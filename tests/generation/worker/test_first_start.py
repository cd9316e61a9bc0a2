"""A new device is measured at its first start and calibrated when it is idle."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import torch
from django.utils import timezone

from generation.estimating.estimator import Estimator
from generation.hardware import detect
from generation.models import Device, Job, ModelCard
from generation.scheduling.preempted import is_preempted
from generation.specs import EnhanceSpec, RenderSpec, SourceFile, SourceUse
from generation.states import Priority
from generation.worker import first_start, probe
from tests.generation.conftest import Claim

pytestmark = pytest.mark.django_db

MEASURED = {"evaluate": 0.1, "decode": 0.1}


@pytest.fixture
def idle(device: Device, settings: Any) -> Device:
    """A device without any job since its worker started."""
    settings.GENGA_CALIBRATE = True
    device.started_at = timezone.now() - timedelta(seconds=2 * first_start.IDLE_SECONDS)
    device.measured = MEASURED
    device.save()
    return device


def test_a_measurement_gives_teraflops_per_second_of_both_kinds_of_work() -> None:
    figures = probe.measure(torch.device("cpu"), torch.float32)

    assert figures.keys() == MEASURED.keys()
    assert all(rate > 0 for rate in figures.values())


def test_a_device_is_measured_once_and_in_a_thread_that_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads: list[threading.Thread] = []

    def measure(*_: object) -> probe.Figures:
        threads.append(threading.current_thread())
        return MEASURED

    monkeypatch.setattr(probe, "measure", measure)
    hardware = detect("cpu:0")

    assert first_start.measure(hardware, 1) == MEASURED
    Device.objects.create(name="cpu:0", kind="cpu", label=hardware.label, measured=MEASURED)
    assert first_start.measure(hardware, 1) == MEASURED

    (thread,) = threads
    assert thread is not threading.current_thread()
    assert not thread.is_alive()


def test_before_the_first_render_an_estimate_is_wide_and_marked(
    spec: RenderSpec, toon: ModelCard, device: Device
) -> None:
    assert Estimator().estimate(spec, device) is None

    Device.objects.update(measured=MEASURED)
    estimate = Estimator().estimate(spec, device)

    assert estimate is not None
    assert (estimate.rough, estimate.evidence) == (True, 0)
    assert estimate.high > 4 * estimate.low > 0


def test_a_faster_device_has_a_shorter_estimate(
    spec: RenderSpec, toon: ModelCard, device: Device
) -> None:
    seconds = []
    for rate in (0.01, 1.0):
        Device.objects.update(measured={"evaluate": rate, "decode": rate})
        estimate = Estimator().estimate(spec, device, cold=False)
        assert estimate is not None
        seconds.append(estimate.seconds)

    assert seconds[0] > 5 * seconds[1]


def test_an_enhancement_has_a_first_estimate_too(
    spec: RenderSpec, toon: ModelCard, device: Device
) -> None:
    Device.objects.update(measured=MEASURED)
    source = SourceFile(file="one.png", sha256="a" * 64, use=SourceUse.ENHANCE)

    estimate = Estimator().estimate(EnhanceSpec.of(spec, source=source, upscale=2), device)

    assert estimate is not None
    assert estimate.rough


def test_an_idle_device_calibrates_each_new_model_once(idle: Device, toon: ModelCard) -> None:
    count = first_start.calibrate_if_idle(idle, Estimator())

    jobs = Job.objects.all()
    assert count == len(jobs) > 1
    assert {job.priority for job in jobs} == {Priority.LOW}
    assert {job.pinned_to for job in jobs} == {idle}
    assert not any(job.owner.is_active or job.owner.has_usable_password() for job in jobs)
    jobs.update(status="completed")
    assert first_start.calibrate_if_idle(idle, Estimator()) == 0


def test_nothing_is_calibrated_when_calibration_is_disabled(
    idle: Device, toon: ModelCard, settings: Any
) -> None:
    settings.GENGA_CALIBRATE = False

    assert first_start.calibrate_if_idle(idle, Estimator()) == 0


def test_nothing_is_calibrated_while_other_work_runs_or_waits(
    idle: Device, submit: Callable[..., Job], claimed: Claim
) -> None:
    submit()
    assert first_start.calibrate_if_idle(idle, Estimator()) == 0

    claimed(submit())
    assert first_start.calibrate_if_idle(idle, Estimator()) == 0


def test_a_calibration_yields_to_any_other_job(
    idle: Device, toon: ModelCard, submit: Callable[..., Job], claimed: Claim
) -> None:
    first_start.calibrate_if_idle(idle, Estimator())
    attempt = claimed(Job.objects.first())
    assert not is_preempted(attempt, idle)

    submit(priority=Priority.LOW)

    assert is_preempted(attempt, idle)
