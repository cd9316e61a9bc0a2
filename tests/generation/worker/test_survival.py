"""Database errors and old rows must block neither the device nor the queue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from generation.estimating.estimator import Estimator
from generation.estimating.shapes import Shape
from generation.models import Device, Job
from generation.pipelines.resident import ResidentModels
from generation.queue import lifecycle, recovery, requests
from generation.queue.timings import Timing
from generation.scheduling.claim import claim
from generation.scheduling.forecast import Forecaster
from generation.states import Outcome, Stage, Status
from generation.worker import process
from generation.worker.runner import Worker
from tests.generation.watched import WatchedModel

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., Job]


@pytest.fixture
def no_ending() -> Iterator[Callable[[], None]]:
    """The database refuses every end of an attempt until this is called."""

    def allow() -> None:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER IF EXISTS refuse_ending")

    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TRIGGER refuse_ending BEFORE UPDATE OF status ON generation_job "
            "WHEN OLD.status = 'processing' "
            "BEGIN SELECT RAISE(ABORT, 'database is locked'); END"
        )
    yield allow
    allow()


def test_a_job_whose_end_could_not_be_written_is_rendered_again(
    submit: Submit,
    device: Device,
    models: ResidentModels,
    no_ending: Callable[[], None],
    media: Path,
) -> None:
    job, worker = submit(), Worker(device, models)
    with pytest.raises(DatabaseError):
        worker.drain()
    assert [path for path in media.rglob("*") if path.is_file()] == []
    no_ending()
    soon = timezone.now() + timedelta(seconds=1)
    Job.objects.filter(pk=job.pk).update(lease_expires_at=soon)

    process.beat(device, worker)

    job.refresh_from_db()
    assert job.lease_expires_at == soon, "nobody renders it, so nobody may keep it"
    Job.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert recovery.sweep_leases() == 1
    assert worker.drain() == 1
    job.refresh_from_db()
    assert job.status == Status.COMPLETED
    assert [a.outcome for a in job.attempts.all()] == [Outcome.LOST, Outcome.COMPLETED]


@pytest.mark.usefixtures("no_ending")
@pytest.mark.parametrize("members", [1, 2])
def test_a_job_whose_end_during_denoising_could_not_be_written_does_not_fail(
    members: int, submit: Submit, device: Device, models: ResidentModels, watched: WatchedModel
) -> None:
    jobs = [submit(seed=seed) for seed in range(members)]
    watched.inside = lambda: requests.cancel(jobs[0])

    with pytest.raises(DatabaseError):
        Worker(device, models).drain()

    assert Job.objects.processing().count() == members
    assert {job.attempts.get().outcome for job in jobs} == {Outcome.RUNNING}


@pytest.mark.parametrize("shape", ["", "toon|128x128|4"])
def test_a_job_from_before_an_upgrade_is_claimed_and_learned_from(
    shape: str, submit: Submit, device: Device, forecaster: Forecaster, estimator: Estimator
) -> None:
    """Its shape is in another format or missing."""
    job = submit()
    Job.objects.filter(pk=job.pk).update(shape=shape)
    Device.objects.create(
        name="cpu:1", kind="cpu", works=list(device.works), heartbeat_at=timezone.now()
    )

    assert len(forecaster.forecast().places) == 1
    attempt = claim(device, estimator)

    assert attempt is not None
    assert attempt.shape == str(Shape.of(job.spec))
    assert lifecycle.complete(
        attempt, [], {Stage.DENOISE: Timing(1.0), Stage.DECODE: Timing(0.1)}, estimator.learn
    )


@pytest.mark.parametrize("saved_steps", [0, 3])
def test_a_job_with_unreadable_settings_fails_and_the_others_run(
    saved_steps: int, submit: Submit, device: Device, forecaster: Forecaster, estimator: Estimator
) -> None:
    broken, sound = submit(), submit()
    Job.objects.filter(pk=broken.pk).update(
        spec_data={"of": "another time"}, saved_steps=saved_steps
    )
    assert len(forecaster.forecast().places) == 2

    attempt = claim(device, estimator)

    assert attempt is not None
    assert attempt.job == sound
    broken.refresh_from_db()
    assert (broken.status, broken.error_code) == (Status.FAILED, "spec_unreadable")
    assert broken.error_hint
    assert [event.sequence for event in broken.events.all()] == [1, 2]
