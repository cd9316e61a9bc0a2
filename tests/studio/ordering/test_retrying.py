"""A job waits again only when it can be rendered now."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from generation.errors import SpecError
from generation.models import Device, Job, ModelCard
from generation.scheduling.forecast import Forecaster
from generation.states import Status
from studio.models import Take
from studio.ordering import submission
from studio.production import devices
from tests.studio.conftest import MakeTake

pytestmark = pytest.mark.django_db


@pytest.fixture
def failed(take_in: MakeTake) -> Job:
    return Job.objects.get(pk=take_in("failed").job_id)


def status_of(job: Job) -> str:
    job.refresh_from_db()
    return job.status


def test_a_failed_job_waits_again(failed: Job) -> None:
    assert submission.retry(failed)
    assert status_of(failed) == Status.QUEUED


def test_one_that_waits_for_devices_that_are_away_may_wait(failed: Job) -> None:
    Device.objects.update(heartbeat_at=None)

    assert submission.retry(failed)


@pytest.mark.parametrize(
    ("table", "changes", "field"),
    [
        (ModelCard, {"is_active": False}, "model"),
        (ModelCard, {"max_size": 64}, "width"),
        (Device, {"works": ["video"]}, "type"),
        (Job, {"spec_data": {"later": 1}}, "job"),
    ],
    ids=["switched off", "too large", "no device", "another version"],
)
def test_what_can_be_rendered_no_more_stays_as_it_is(
    table: Any, changes: dict[str, Any], field: str, failed: Job
) -> None:
    table.objects.update(**changes)
    job = Job.objects.get(pk=failed.pk)
    events = job.events.count()

    with pytest.raises(SpecError) as refusal:
        submission.retry(job)

    assert refusal.value.field == field
    assert (status_of(job), job.events.count()) == (Status.FAILED, events)


def test_what_did_not_end_is_left_without_a_reason(queued: MakeTake) -> None:
    job = queued().job
    ModelCard.objects.update(is_active=False)

    assert not submission.retry(job)


def test_what_calibrates_a_device_needs_that_device(
    toon: ModelCard, device: Device, boss: User
) -> None:
    Device.objects.create(name="cpu:1", kind="cpu", works=device.works)
    take: Take = devices.calibrate(Forecaster(), device, boss)[0]
    Job.objects.update(status=Status.CANCELLED)
    Device.objects.filter(pk=device.pk).update(works=["upscale"])

    with pytest.raises(SpecError) as refusal:
        submission.retry(Job.objects.get(pk=take.job_id))

    assert refusal.value.field == "device"
