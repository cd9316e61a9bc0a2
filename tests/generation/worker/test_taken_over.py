"""A job that another worker, or nobody, has by now: its late attempt stores nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from generation.media.files import Shelf, StoredOutput
from generation.models import Attempt, Device, Job
from generation.pipelines.resident import ResidentModels
from generation.queue import lifecycle, recovery
from generation.states import Outcome, Status
from generation.worker.runner import Worker
from tests.generation.watched import WatchedModel
from tests.generation.worker.conftest import Run, stored_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]

Submit = Callable[..., Job]


def take_over(job: Job) -> Attempt:
    """Let the lease expire, sweep, and let another device claim the job."""
    Job.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert recovery.sweep_leases() == 1
    other, _ = Device.objects.get_or_create(name="cpu:1", defaults={"works": ["preview", "image"]})
    attempt = lifecycle.start(Job.objects.get(pk=job.pk), other)
    assert attempt is not None
    return attempt


def test_a_job_taken_over_during_denoising_is_abandoned_at_the_next_step(
    run: Run, submit: Submit, watched: WatchedModel, media: Path
) -> None:
    job = submit(steps=20)
    watched.between = lambda step: step.number == 3 and take_over(job)

    late = run(job)

    assert (watched.steps, watched.decodes) == ([1, 2, 3], 0)
    assert late.outcome == Outcome.LOST
    assert (job.status, job.attempt_number) == (Status.PROCESSING, 2)
    assert not late.timings.exists()
    assert stored_files(media) == []


def test_a_job_taken_over_during_the_decoding_is_not_stored(
    run: Run, submit: Submit, watched: WatchedModel, media: Path
) -> None:
    job = submit()
    watched.before_decode = lambda: take_over(job)

    run(job)

    assert job.attempt_number == 2
    assert stored_files(media) == []


def test_a_job_taken_over_during_the_writing_keeps_no_file_of_the_late_attempt(
    run: Run,
    submit: Submit,
    watched: WatchedModel,
    media: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The test replaces the write, to act between the write and the end."""
    job = submit()
    written: list[str] = []

    store = Shelf.picture

    def write_then_lose(shelf: Shelf, *told: Any) -> StoredOutput:
        output = store(shelf, *told)
        written.extend(name for name in (output.file, output.thumbnail))
        assert all(default_storage.exists(name) for name in written)
        take_over(job)
        return output

    monkeypatch.setattr(Shelf, "picture", write_then_lose)
    run(job)

    assert (job.status, job.attempt_number) == (Status.PROCESSING, 2)
    assert len(written) == 2
    assert stored_files(media) == []
    assert not job.outputs.exists()


def test_a_job_that_was_deleted_meanwhile_is_abandoned(
    run: Run,
    submit: Submit,
    watched: WatchedModel,
    device: Device,
    models: ResidentModels,
) -> None:
    job = submit(steps=20)
    watched.between = lambda step: step.number == 2 and Job.objects.filter(pk=job.pk).delete()

    assert Worker(device, models).drain() == 1

    assert watched.steps == [1, 2]
    assert not Job.objects.exists()
