"""Files that nothing names are found and deleted, and no others."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.utils import timezone

from generation.estimating.estimator import Estimator
from generation.hardware import detect
from generation.media.files import StoredOutput, month_folder
from generation.models import Job, Output
from generation.queue import lifecycle
from generation.states import Status
from generation.worker import orphans, process, sweeper
from tests.generation.conftest import Claim
from tests.generation.processes import WorkerProcess, wait_until
from tests.locking import OtherProgram

Submit = Callable[..., Job]


@pytest.fixture
def media(settings: Any, tmp_path: Path) -> Path:
    """The folder of this month's files."""
    settings.MEDIA_ROOT = tmp_path / "media"
    folder = tmp_path / "media" / month_folder(timezone.now().date())
    folder.mkdir(parents=True)
    return folder


def put(folder: Path, name: str, days: float = 0) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"a picture")
    then = time.time() - days * 86400
    os.utime(path, (then, then))
    return path


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def doctor(**options: Any) -> str:
    said = StringIO()
    call_command("doctor", stdout=said, **options)
    return said.getvalue()


@pytest.mark.django_db
def test_a_worker_that_starts_deletes_the_files_that_its_predecessor_did_not_name(
    submit: Submit, claimed: Claim, stored: StoredOutput, estimator: Estimator, media: Path
) -> None:
    done, lost, runs = submit(), submit(), submit()
    attempt = claimed(done)
    whole = {kind: f"{done.pk}-1{kind}" for kind in (".png", ".webp", "-strip.webp")}
    paths = {kind: f"{month_folder(timezone.now().date())}/{name}" for kind, name in whole.items()}
    named = {**stored.fields(), "file": paths[".png"], "thumbnail": paths[".webp"]}
    named["strip"] = paths["-strip.webp"]
    assert lifecycle.complete(attempt, [StoredOutput(**named)], {}, estimator.learn)
    lifecycle.give_up_lost(claimed(lost))
    claimed(runs)
    for name in whole.values():
        put(media, name)
    put(media, f"{done.pk}-1_x7Gh2kQ.png")  # The name that a storage gives when one is taken.
    put(media, f"{lost.pk}-1.png")
    put(media, f"{lost.pk}-1.webp")
    put(media, f"{runs.pk}-1.png")
    put(media, f"{uuid4()}-1.png", days=400)
    put(media, "notes.txt", days=400)
    put(media, ".writing-abc")

    assert sweeper.sweep_orphans() == 3

    kept = left(media)
    assert kept >= {*whole.values(), f"{runs.pk}-1.png", "notes.txt", ".writing-abc"}
    assert len(kept) == 7


@pytest.mark.django_db
def test_an_attempt_eleven_is_not_taken_for_attempt_one(
    submit: Submit, claimed: Claim, media: Path
) -> None:
    job = submit()
    Job.objects.filter(pk=job.pk).update(attempt_number=10)
    claimed(job)
    put(media, f"{job.pk}-11.png")

    assert sweeper.sweep_orphans() == 0


@pytest.mark.django_db
def test_the_doctor_says_what_it_finds_and_deletes_it_only_when_asked(
    submit: Submit, claimed: Claim, media: Path
) -> None:
    job = submit()
    lifecycle.give_up_lost(claimed(job))
    old = media.parent.parent / "2020" / "01"
    found = {put(old, f"{job.pk}-1.png"), put(media, f"{uuid4()}-3.mp4", days=2)}
    fresh = put(media, f"{uuid4()}-1.png")
    upload = put(media.parents[2] / "loras", f"{uuid4()}-1.safetensors", days=9)

    said = doctor()
    assert all(path.name in said for path in found)
    assert "2 (18 bytes)" in said
    assert all(path.exists() for path in found)
    assert "Deleted: 2" in doctor(fix=True)

    assert not any(path.exists() for path in found)
    assert fresh.exists()
    assert upload.exists()
    assert "0 (0 bytes)" in doctor()


@pytest.mark.django_db
def test_a_worker_starts_although_its_storage_cannot_be_searched(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise ConnectionError("the storage is away")

    monkeypatch.setattr(orphans, "find", away)

    assert process.register(detect("cpu:0")).is_online


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_is_killed_between_a_file_and_its_row_leaves_nothing(
    submit: Submit,
) -> None:
    """Another program locks the database, so that the finished file cannot get its row."""
    job, media, other = submit(), Path(django_settings.GENGA_HOME) / "media", OtherProgram()

    def files_of(job_id: UUID) -> list[str]:
        return sorted(path.name for path in media.rglob(f"{job_id}-*"))

    with WorkerProcess() as worker:
        worker.until(
            lambda: Job.objects.get(pk=job.pk).status == Status.PROCESSING, "the job is claimed"
        )
        other.lock()
        worker.until(lambda: len(files_of(job.pk)) == 2, "the picture and its thumbnail are stored")
        worker.kill()
    other.close()
    assert not Output.objects.exists()

    with WorkerProcess() as worker:
        worker.until(
            lambda: Job.objects.get(pk=job.pk).status == Status.COMPLETED, "it is rendered again"
        )
        worker.terminate()

    wait_until(lambda: Output.objects.count() == 1, "it has its file")
    assert files_of(job.pk) == [f"{job.pk}-2.png", f"{job.pk}-2.webp"]
