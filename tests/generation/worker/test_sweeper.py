"""The sweeper cleans up after crashes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from generation.media.files import StoredOutput
from generation.models import Device, Job, Output
from generation.queue import requests
from generation.queue.doorbell import queue_for
from generation.worker import sweeper
from generation.worker.frame_stages import work_folder
from generation.worker.resume import snapshots
from generation.worker.resume.kept_frames import root as work_root
from tests.generation.conftest import Claim

pytestmark = pytest.mark.django_db

Submit = Callable[..., Job]


def test_a_lost_bell_is_rung_again(submit: Submit, device: Device) -> None:
    queue_for(device.name).flush()
    submit()

    assert sweeper.ring_if_forgotten(device)

    assert queue_for(device.name).pending_count() == 1
    queue_for(device.name).flush()


def test_without_work_no_bell_is_rung(device: Device) -> None:
    assert not sweeper.ring_if_forgotten(device)


def test_work_that_the_device_does_not_take_rings_no_bell(submit: Submit, device: Device) -> None:
    Device.objects.filter(pk=device.pk).update(works=["video"])
    device.refresh_from_db()
    submit()

    assert not sweeper.ring_if_forgotten(device)


def test_work_on_hold_rings_no_bell(submit: Submit, device: Device) -> None:
    requests.hold(submit())

    assert not sweeper.ring_if_forgotten(device)


def test_a_busy_device_is_not_disturbed(submit: Submit, claimed: Claim, device: Device) -> None:
    claimed(submit())
    submit()

    assert not sweeper.ring_if_forgotten(device)


@pytest.fixture
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    folder = tmp_path / "outputs" / "2026" / "01"
    folder.mkdir(parents=True)
    return folder


def test_half_written_files_of_dead_writers_are_deleted(media: Path) -> None:
    old, fresh, whole = media / ".writing-old", media / ".writing-new", media / "picture.png"
    for path in (old, fresh, whole):
        path.write_bytes(b"some of it")
    hours_ago = time.time() - sweeper.HALF_WRITTEN_SECONDS - 60
    os.utime(old, (hours_ago, hours_ago))
    os.utime(whole, (hours_ago, hours_ago))

    assert sweeper.sweep_half_written() == 1

    assert sorted(path.name for path in media.iterdir()) == [".writing-new", "picture.png"]


def test_a_file_that_another_sweep_deletes_meanwhile_is_ignored(media: Path) -> None:
    """A dangling link behaves like a file that is deleted after the folder was listed."""
    (media / ".writing-gone").symlink_to(media / "nothing")

    assert sweeper.sweep_half_written() == 0


def test_without_a_media_folder_there_is_nothing_to_sweep(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "nowhere"

    assert sweeper.sweep_half_written() == 0


def test_frames_of_ended_attempts_are_deleted(
    submit: Submit, claimed: Claim, settings: Any, tmp_path: Path
) -> None:
    settings.GENGA_HOME = tmp_path
    running = work_folder(claimed(submit()))
    left = work_root() / "12345678-1234-5678-1234-567812345678-1"
    for folder in (running, left):
        folder.mkdir(parents=True)
        (folder / "000001.png").touch()

    assert sweeper.sweep_work() == 1

    assert (running / "000001.png").exists()
    assert not left.exists()


def test_snapshots_of_ended_or_deleted_jobs_are_deleted(
    submit: Submit, claimed: Claim, settings: Any, tmp_path: Path
) -> None:
    settings.GENGA_HOME = tmp_path
    waits, held, runs, cancelled = submit(), submit(), submit(), submit()
    claimed(runs)
    requests.hold(held)
    requests.cancel(cancelled)
    snapshots.folder().mkdir()
    kept = {job.pk for job in (waits, held, runs)}
    for job_id in (*kept, cancelled.pk, uuid4()):
        (snapshots.folder() / f"{job_id}.safetensors").touch()
    (snapshots.folder() / f"{cancelled.pk}.writing-a1b2c3").touch()

    assert sweeper.sweep_snapshots() == 2

    assert snapshots.job_ids() == kept
    assert sweeper.sweep_snapshots() == 0


def test_without_a_folder_of_snapshots_there_is_nothing_to_sweep(
    db: None, settings: Any, tmp_path: Path
) -> None:
    settings.GENGA_HOME = tmp_path

    assert sweeper.sweep_snapshots() == 0


def test_lossless_frames_are_deleted_after_their_retention(
    submit: Submit, claimed: Claim, stored: StoredOutput, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT = tmp_path
    attempt = claimed(submit())
    for name in ("new.zip", "old.zip", "old-held.zip", "old.mp4"):
        (tmp_path / name).touch()
        kind = "frames" if name.endswith("zip") else "video"
        fields = {**stored.fields(), "kind": kind, "file": name}
        Output.objects.create(job=attempt.job, attempt=attempt, **fields)
    long_ago = timezone.now() - timedelta(days=settings.GENGA_FRAMES_DAYS + 1)
    Output.objects.filter(file__startswith="old").update(ageing_since=long_ago)
    Output.objects.filter(file="old-held.zip").hold()

    assert sweeper.sweep_frames() == 1

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "new.zip",
        "old-held.zip",
        "old.mp4",
    ]
    assert Output.objects.count() == 3
