"""A full disk leaves no partial file, and a long clip needs no more memory than a short one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from generation.media.clips import ClipFormat

pytest.importorskip("skia", reason="drawing needs the extra 'train'")


def run(*words: str | Path) -> str:
    command = [sys.executable, "-m", "tests.generation.media.writing", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.strip()


@pytest.mark.parametrize("form", list(ClipFormat))
@pytest.mark.parametrize("room", [0, 0.5, 0.999])
def test_a_full_disk_is_an_os_error_and_leaves_nothing(
    form: ClipFormat, room: float, tmp_path: Path
) -> None:
    assert run("full", form, str(room), tmp_path / "clip").startswith("OSError")

    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_whole_frames_in_their_folder(tmp_path: Path) -> None:
    assert run("folder", tmp_path) == "OSError 1"

    assert [path.name for path in tmp_path.iterdir()] == ["000001.png"]


@pytest.mark.parametrize(
    ("form", "size", "count", "most"),
    # In MiB: the raw frames would take 225 and 28. x264 looks 40 frames ahead, so its queue still
    # grows after 30.
    [(ClipFormat.MP4, 512, 300, 80), (ClipFormat.GIF, 256, 150, 14)],
)
def test_writing_a_long_clip_takes_no_more_memory(
    form: ClipFormat, size: int, count: int, most: int
) -> None:
    assert float(run("memory", form, str(size), str(count))) < most


def test_checking_and_measuring_a_long_clip_take_no_more_memory() -> None:
    assert float(run("rest")) < 10, "150 frames of 256 x 256 are 28 MiB"
