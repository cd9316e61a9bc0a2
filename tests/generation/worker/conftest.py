"""What the worker's tests share: a media folder of their own, and a worker that runs one job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generation.models import Attempt, Device, Job
from generation.pipelines.resident import ResidentModels
from generation.worker.runner import Worker

Run = Callable[[Job], Attempt]


@pytest.fixture
def media(settings: Any, tmp_path: Path) -> Path:
    """A media folder of this test only."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def run(device: Device, models: ResidentModels) -> Run:
    """Run one job until its worker leaves it, and return its first attempt."""

    def run_job(job: Job) -> Attempt:
        assert Worker(device, models).drain() == 1
        job.refresh_from_db()
        return job.attempts.first()

    return run_job


def stored_files(media: Path) -> list[str]:
    """The names of all files in a media folder."""
    return [path.name for path in media.rglob("*") if path.is_file()]
