"""A folder or a FIFO that is named like saved work neither hangs a worker nor stays."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import torch

from generation.pipelines.loop.step import LoopState
from generation.worker import sweeper
from generation.worker.resume import kept_frames, snapshots

JOB = UUID("5d9e2a40-3a7b-4a9e-9d0e-2f3f8f6f5a11")
MAKE: dict[str, Callable[[Path], Any]] = {
    "folder": lambda path: (path / "inside").mkdir(parents=True),
    "fifo": os.mkfifo,
}

pytestmark = pytest.mark.parametrize("kind", MAKE)


@pytest.fixture(autouse=True)
def home(settings: Any, tmp_path: Path) -> Path:
    settings.GENGA_HOME = settings.MEDIA_ROOT = tmp_path
    snapshots.folder().mkdir()
    kept_frames.root().mkdir()
    return tmp_path


@pytest.fixture
def state() -> LoopState:
    return LoopState(
        done=3, latents=torch.ones(1), generator=torch.zeros(1), scheduler={}, number=2
    )


def test_it_is_no_snapshot_and_a_new_one_takes_its_place(kind: str, state: LoopState) -> None:
    named = snapshots.folder() / f"{JOB}.safetensors"
    MAKE[kind](named)
    assert snapshots.read(JOB, "one") is None
    assert not named.exists()

    MAKE[kind](named)
    snapshots.write(JOB, "one", state)

    assert snapshots.read(JOB, "one") is not None


@pytest.mark.django_db
def test_it_is_swept_with_the_snapshots_of_ended_jobs(kind: str) -> None:
    MAKE[kind](snapshots.folder() / f"{JOB}.safetensors")
    MAKE[kind](snapshots.folder() / f"{JOB}.writing-x")

    sweeper.sweep_snapshots()

    assert list(snapshots.folder().iterdir()) == []


def test_it_is_not_taken_for_kept_frames(kind: str, tmp_path: Path) -> None:
    MAKE[kind](kept_frames.folder(JOB))
    kept_frames.take_over(tmp_path / "own", JOB, "one")
    assert not os.path.lexists(kept_frames.folder(JOB))

    kept_frames.folder(JOB).mkdir()
    MAKE[kind](kept_frames.folder(JOB) / kept_frames.IDENTITY)
    kept_frames.take_over(tmp_path / "own", JOB, "one")

    assert not os.path.lexists(kept_frames.folder(JOB))
    assert not (tmp_path / "own").exists()


@pytest.mark.django_db
def test_it_is_swept_with_frames_and_half_written_files(kind: str, tmp_path: Path) -> None:
    frames, unfinished = kept_frames.root() / "1-1", tmp_path / ".writing-x"
    for path in (frames, unfinished):
        MAKE[kind](path)
    hours_ago = time.time() - sweeper.HALF_WRITTEN_SECONDS - 60
    os.utime(unfinished, (hours_ago, hours_ago))

    assert (sweeper.sweep_work(), sweeper.sweep_half_written()) == (1, 1)

    assert not frames.exists()
    assert not unfinished.exists()
