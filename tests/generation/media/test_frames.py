"""A folder of lossless frames."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from generation.errors import CancelRequested
from generation.media.frames import FrameFolder


def picture(number: int) -> Image.Image:
    return Image.linear_gradient("L").resize((32, 24)).convert("RGB").point(lambda v: v ^ number)


@pytest.fixture
def frames(tmp_path: Path) -> FrameFolder:
    folder = FrameFolder(tmp_path / "job" / "frames")
    for number in range(3):
        folder.add(picture(number))
    return folder


def same(first: Image.Image, second: Image.Image) -> bool:
    return (first.mode, first.size, first.tobytes()) == (second.mode, second.size, second.tobytes())


def ignore(count: int) -> None:
    pass


def test_frames_are_read_unchanged_and_in_order(frames: FrameFolder) -> None:
    assert len(frames) == 3
    assert all(same(read, picture(number)) for number, read in enumerate(frames))
    assert same(frames[0], picture(0))
    assert same(frames[-1], picture(2))
    assert sorted(path.name for path in frames.path.iterdir()) == [
        "000001.png",
        "000002.png",
        "000003.png",
    ]


@pytest.mark.parametrize("index", [3, -4])
def test_a_missing_frame_is_an_index_error(frames: FrameFolder, index: int) -> None:
    with pytest.raises(IndexError, match="among 3"):
        frames[index]


def test_a_picture_of_another_mode_is_kept_as_rgb(tmp_path: Path) -> None:
    frames = FrameFolder(tmp_path)
    frames.add(Image.new("RGBA", (8, 8), (10, 20, 30, 128)))

    assert (frames[0].mode, frames[0].getpixel((0, 0))) == ("RGB", (10, 20, 30))


def test_reading_keeps_no_file_open(frames: FrameFolder) -> None:
    before = len(os.listdir("/proc/self/fd"))
    kept = list(frames)

    assert len(os.listdir("/proc/self/fd")) == before
    frames.remove()
    assert same(kept[2], picture(2))


def test_existing_frames_are_counted_and_new_ones_follow_them(frames: FrameFolder) -> None:
    again = FrameFolder(frames.path)
    again.add(picture(9))

    assert len(again) == 4
    assert same(again[3], picture(9))


def test_a_cleared_folder_takes_new_frames(frames: FrameFolder) -> None:
    frames.clear()

    assert (len(frames), list(frames)) == (0, [])
    frames.add(picture(5))
    assert same(frames[0], picture(5))


def test_a_folder_can_be_removed_twice(frames: FrameFolder) -> None:
    frames.remove()
    frames.remove()

    assert not frames.path.exists()
    assert len(frames) == 0


def test_a_zip_contains_the_files_unchanged(frames: FrameFolder, tmp_path: Path) -> None:
    reported: list[int] = []
    frames.pack(tmp_path / "frames.zip", reported.append)

    assert reported == [1, 2, 3]
    with zipfile.ZipFile(tmp_path / "frames.zip") as archive:
        assert archive.testzip() is None
        for entry in archive.infolist():
            assert entry.compress_type == zipfile.ZIP_STORED
            assert archive.read(entry) == (frames.path / entry.filename).read_bytes()
        assert archive.namelist() == ["000001.png", "000002.png", "000003.png"]


def test_the_same_frames_pack_to_the_same_bytes(frames: FrameFolder, tmp_path: Path) -> None:
    other = FrameFolder(tmp_path / "other")
    for frame in frames:
        other.add(frame)
    for file in other.path.iterdir():
        os.utime(file, (1, 1))

    frames.pack(tmp_path / "one.zip", ignore)
    other.pack(tmp_path / "two.zip", ignore)

    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_a_cancelled_zip_leaves_nothing(frames: FrameFolder, tmp_path: Path) -> None:
    def cancel(count: int) -> None:
        if count == 2:
            raise CancelRequested

    with pytest.raises(CancelRequested):
        frames.pack(tmp_path / "frames.zip", cancel)

    assert not (tmp_path / "frames.zip").exists()
