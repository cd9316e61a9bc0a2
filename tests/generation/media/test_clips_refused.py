"""Clips that cannot be written leave no file; files that cannot be read raise an error."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image

pytest.importorskip("skia", reason="drawing needs the extra 'train'")

from generation.errors import CancelRequested
from generation.media.clips import (
    ClipFormat,
    UnreadableClip,
    describe,
    read_frames,
    read_provenance,
    write_clip,
)
from tests.generation.media.clip_files import every_format, ignore, written
from tests.generation.moving import moving


@every_format
def test_a_cancelled_clip_leaves_nothing(form: ClipFormat, tmp_path: Path) -> None:
    def cancel(count: int) -> None:
        if count == 9:
            raise CancelRequested

    with pytest.raises(CancelRequested):
        write_clip(
            moving(),
            tmp_path / "clip",
            fps=8,
            clip_format=form,
            provenance={},
            on_frame=cancel,
        )

    assert list(tmp_path.iterdir()) == []


@every_format
def test_frames_that_cannot_be_read_leave_nothing(form: ClipFormat, tmp_path: Path) -> None:
    def torn() -> Iterator[Image.Image]:
        yield from moving(count=3)
        raise OSError("the disk went away")

    with pytest.raises(OSError, match="went away"):
        write_clip(
            torn(), tmp_path / "clip", fps=8, clip_format=form, provenance={}, on_frame=ignore
        )

    assert list(tmp_path.iterdir()) == []


def test_frames_of_two_sizes_are_refused(tmp_path: Path) -> None:
    frames = [*moving(count=2), Image.new("RGB", (64, 128))]

    with pytest.raises(ValueError, match="Frame 3 has 64 x 128 pixels, the first has 128 x 128"):
        written(tmp_path, frames=frames)

    assert list(tmp_path.iterdir()) == []


def test_a_clip_needs_a_frame(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        written(tmp_path, frames=[])


@pytest.mark.parametrize("fps", [0, -8, 241, float("nan"), float("inf")])
def test_an_impossible_rate_is_refused_and_keeps_an_existing_file(
    fps: float, tmp_path: Path
) -> None:
    there = tmp_path / "clip.mp4"
    there.write_bytes(b"somebody's")

    with pytest.raises(ValueError, match="frames a second"):
        written(tmp_path, fps=fps)

    assert there.read_bytes() == b"somebody's"


def test_a_gif_has_at_most_the_rate_that_its_clock_allows(tmp_path: Path) -> None:
    assert describe(written(tmp_path, ClipFormat.GIF, fps=60)).frames == 12
    with pytest.raises(ValueError, match="at most 100 frames a second"):
        written(tmp_path, ClipFormat.GIF, fps=120)


def test_a_missing_folder_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        written(tmp_path / "nowhere")


def test_a_file_that_is_not_a_clip_is_unreadable(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"no clip at all" * 100)

    with pytest.raises(UnreadableClip):
        describe(path)
    with pytest.raises(UnreadableClip):
        list(read_frames(path))


def test_an_unknown_codec_is_unreadable(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"qqqq"))

    with pytest.raises(UnreadableClip, match="no pictures that can be read"):
        describe(path)


def test_any_damage_is_an_unreadable_clip_or_still_decodes(tmp_path: Path) -> None:
    """No other exception is raised, wherever bytes were overwritten."""
    path = written(tmp_path, frames=moving(count=4))
    whole, source = path.read_bytes(), random.Random(1)

    for _ in range(60):
        damaged = bytearray(whole)
        place = source.randrange(len(whole) - 40)
        damaged[place : place + 40] = source.randbytes(40)
        path.write_bytes(damaged)
        with suppress(UnreadableClip, OSError):
            describe(path)
        with suppress(KeyError, OSError):
            read_provenance(path)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(read_frames(tmp_path / "gone.mp4"))


def test_a_truncated_clip_gives_its_frames_up_to_the_end(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_bytes(path.read_bytes()[:-2000])

    frames = read_frames(path)

    assert next(frames).size == (128, 128)
    with pytest.raises(UnreadableClip, match=r"cannot be decoded after frame \d"):
        list(frames)
