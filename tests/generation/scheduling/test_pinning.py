"""A pinned job waits for its device, even if other devices are free."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from generation.estimating.estimator import Estimator
from generation.models import Device, Job, ModelCard
from generation.queue import lifecycle
from generation.scheduling import placement, preempted, waiting_reasons
from generation.scheduling.claim import claim, claim_mates
from generation.scheduling.forecast import Forecaster
from generation.scheduling.placement import JobNeeds
from generation.specs import RenderSpec
from generation.states import Priority, Work

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(device: Device) -> Device:
    return Device.objects.create(
        name="cpu:7",
        kind="cpu",
        works=[work.value for work in Work],
        heartbeat_at=timezone.now() + timedelta(hours=1),
    )


@pytest.fixture
def pinned(artist: User, toon: ModelCard, spec: RenderSpec, device: Device) -> Job:
    return lifecycle.submit(spec, owner=artist, model=toon, pinned_to=device)


def test_only_the_pinned_device_takes_the_job(
    pinned: Job, device: Device, other: Device, estimator: Estimator
) -> None:
    assert claim(other, estimator) is None
    assert (attempt := claim(device, estimator)) is not None
    assert attempt.job_id == pinned.pk


def test_other_devices_take_the_jobs_behind_a_pinned_one(
    pinned: Job,
    other: Device,
    artist: User,
    toon: ModelCard,
    spec: RenderSpec,
    estimator: Estimator,
) -> None:
    free = lifecycle.submit(spec, owner=artist, model=toon)

    assert (attempt := claim(other, estimator)) is not None
    assert attempt.job_id == free.pk


def test_a_pinned_job_runs_alone(
    pinned: Job,
    device: Device,
    artist: User,
    toon: ModelCard,
    spec: RenderSpec,
    estimator: Estimator,
) -> None:
    lifecycle.submit(spec, owner=artist, model=toon)

    assert (attempt := claim(device, estimator)) is not None
    assert attempt.job_id == pinned.pk
    assert claim_mates(attempt, device) == []


def test_the_forecast_assigns_a_pinned_job_to_its_device_with_the_reason(
    pinned: Job, device: Device, other: Device, forecaster: Forecaster
) -> None:
    place = forecaster.forecast().place_of(pinned)

    assert place is not None
    assert place.device == device.name
    assert place.reasons == (
        waiting_reasons.NEXT.said(),
        waiting_reasons.CALIBRATES.said(device=device.name),
    )


def test_a_pinned_job_waits_while_its_device_is_offline(
    pinned: Job, device: Device, other: Device, forecaster: Forecaster
) -> None:
    Device.objects.filter(pk=device.pk).update(heartbeat_at=None)

    place = forecaster.forecast().place_of(pinned)

    assert place is not None
    assert place.device is None
    assert place.reasons == (
        waiting_reasons.DEVICE_NOT_ONLINE.said(device=device.name, state="away"),
    )


def test_a_device_does_not_yield_to_a_job_pinned_to_another(
    device: Device, other: Device, artist: User, toon: ModelCard, spec: RenderSpec
) -> None:
    running = lifecycle.submit(spec, owner=artist, model=toon, priority=Priority.LOW)
    attempt = lifecycle.start(running, other)
    assert attempt is not None
    lifecycle.submit(spec, owner=artist, model=toon, priority=Priority.URGENT, pinned_to=device)

    assert not preempted.is_preempted(attempt, other)


def test_another_device_gives_the_reason_why_it_does_not_take_a_pinned_job(
    device: Device, other: Device
) -> None:
    refusal = placement.refusal(other, JobNeeds(Work.IMAGE, "", 128, device.pk))

    assert refusal == waiting_reasons.CALIBRATES_OTHER.said(device="cpu:7")
    assert placement.takes(device, JobNeeds(Work.IMAGE, "", 128, device.pk))
