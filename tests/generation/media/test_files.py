"""A finished picture and its thumbnail: both are stored, or neither is."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.core.files.storage import default_storage
from PIL import Image

from generation.errors import OutputUnwritable
from generation.media.files import Shelf, StoredOutput
from tests.generation.media.png_files import read_provenance

JOB = UUID("12345678-1234-5678-1234-567812345678")


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


def shelf() -> Shelf:
    return Shelf(JOB, 2, date(2026, 3, 1))


def store() -> StoredOutput:
    return shelf().picture(Image.new("RGB", (640, 480), "teal"), {"seed": 7})


def use_storage(settings: Any, backend: str) -> None:
    settings.STORAGES = {**settings.STORAGES, "default": {"BACKEND": backend}}


def test_a_picture_is_stored_by_month_job_and_attempt(media: Path) -> None:
    output = store()

    assert output.file == f"outputs/2026/03/{JOB}-2.png"
    assert output.thumbnail == f"outputs/2026/03/{JOB}-2.webp"
    content = (media / output.file).read_bytes()
    assert (output.bytes, output.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert (output.width, output.height, output.frames, output.fps) == (640, 480, 1, None)
    assert read_provenance(content) == {"seed": 7}
    with Image.open(media / output.thumbnail) as thumbnail:
        assert thumbnail.size == (384, 288)


def test_a_repeated_attempt_does_not_overwrite_the_files_of_the_first(media: Path) -> None:
    first, second = store(), store()

    assert first.file != second.file
    assert len(list(media.rglob("*.png"))) == 2


def test_files_stored_before_the_disk_was_full_are_listed(settings: Any, media: Path) -> None:
    use_storage(settings, "tests.generation.media.full_disk.FullAtTheThumbnail")
    full = shelf()

    with pytest.raises(OutputUnwritable, match="No space left on device"):
        full.picture(Image.new("RGB", (640, 480), "teal"), {})

    left = [path for path in media.rglob("*") if path.is_file()]
    assert [media / name for name in full.written] == left


def test_a_folder_that_cannot_be_created_is_reported_with_a_hint(
    settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    settings.MEDIA_ROOT = tmp_path / "file" / "media"

    with pytest.raises(OutputUnwritable) as problem:
        store()

    assert "Make room" in problem.value.hint
    assert not default_storage.exists(f"outputs/2026/03/{JOB}-2.png")
