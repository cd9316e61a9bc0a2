"""The trash: what is deleted can come back for some days, then its files are really gone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from PIL import Image

from generation.media.files import Shelf
from generation.models import Device, Job, Output
from generation.queue import lifecycle, requests, trash
from generation.specs import SourceFile, SourceUse
from generation.worker import sweeper

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def finished(
    submit: Callable[..., Job], device: Device, settings: Any, tmp_path: Path
) -> Callable[..., Job]:
    """A finished job with a real picture in a storage of its own."""
    settings.MEDIA_ROOT = tmp_path

    def finish(**changes: Any) -> Job:
        job = submit(**changes)
        attempt = lifecycle.start(job, device)
        assert attempt is not None
        shelf = Shelf(job.pk, attempt.number, timezone.now().date())
        stored = shelf.picture(Image.new("RGB", (64, 64), "teal"), {})
        assert lifecycle.complete(attempt, [stored], {}, lambda *_: None)
        job.refresh_from_db()
        return job

    return finish


def files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


def test_a_deleted_job_comes_back_from_the_trash(finished: Callable[..., Job]) -> None:
    job = finished()

    assert trash.put(job)
    assert not trash.put(job), "it is there already"
    assert job not in Job.objects.kept()

    assert trash.restore(job)
    assert job in Job.objects.kept()
    assert [event.kind for event in job.events.all()][-2:] == ["job.trashed", "job.restored"]


def test_a_job_that_has_not_ended_is_not_deleted(submit: Callable[..., Job]) -> None:
    job = submit()

    assert not trash.put(job)
    assert job in Job.objects.kept()


def test_a_deleted_job_cannot_be_retried(submit: Callable[..., Job]) -> None:
    job = submit()
    requests.cancel(job)
    trash.put(job)

    assert not requests.retry(job)


def test_after_some_days_the_files_are_freed_and_the_history_stays(
    finished: Callable[..., Job], tmp_path: Path, settings: Any
) -> None:
    fresh, old, kept = finished(), finished(), finished()
    each = files(tmp_path) // 3
    trash.put(fresh)
    trash.put(old)
    days = timedelta(days=settings.GENGA_TRASH_DAYS + 1)
    Job.objects.filter(pk=old.pk).update(trashed_at=timezone.now() - days)

    assert sweeper.sweep_trash() == 1

    assert files(tmp_path) == 2 * each
    assert set(Output.objects.values_list("job", flat=True)) == {fresh.pk, kept.pk}
    assert Job.objects.filter(pk=old.pk).exists()
    assert not trash.restore(old), "there is nothing to bring back"
    assert sweeper.sweep_trash() == 0


def test_a_file_that_a_waiting_job_starts_from_stays_until_that_job_has_ended(
    finished: Callable[..., Job], submit: Callable[..., Job]
) -> None:
    source = finished()
    output = source.outputs.get()
    begin = SourceFile(file=str(output.file.name), sha256=output.sha256, use=SourceUse.ENHANCE)
    waiting = submit(source=begin, upscale=2, upscaler="lanczos")
    trash.put(source)

    assert not trash.free(source)
    assert output.file.storage.exists(output.file.name)

    requests.cancel(waiting)
    assert trash.free(source)
    assert not output.file.storage.exists(output.file.name)
