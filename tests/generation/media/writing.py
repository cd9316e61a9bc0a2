"""Writes clips under limits, as its own process: `python -m tests.generation.media.writing`.

`full FORMAT SHARE PATH` runs out of disk after that share of the file, `folder PATH` at the second
frame of a folder. `memory FORMAT SIZE COUNT` and `rest` print by how many MiB the process grows
from a short clip to a long one.
"""

from __future__ import annotations

import resource
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from generation.media.clips import ClipFormat, write_clip
from generation.media.frames import FrameFolder
from generation.media.sheets import hover_strip, poster
from generation.quality.consistency import measure
from tests.generation.media.clip_files import check_clip
from tests.generation.moving import noise


def sliding(count: int, size: int) -> Iterator[Image.Image]:
    """A new picture for every frame: a sliding pattern."""
    rows, columns = np.mgrid[0:size, 0:size]
    for number in range(count):
        waves = 127 + 120 * np.sin((columns + 2 * number) / 17) * np.cos(rows / 23)
        yield Image.fromarray(np.dstack([waves, waves * 0.7, 255 - waves]).astype(np.uint8))


def write(frames: Iterator[Image.Image] | FrameFolder, path: Path, form: ClipFormat) -> None:
    write_clip(frames, path, fps=24, clip_format=form, provenance={}, on_frame=lambda count: None)


def full(form: str, room: str, path: str) -> None:
    """The disk has room for the share `room` of the file, from 0 to 1."""
    write(iter(noise(20)), Path(path), ClipFormat(form))
    most = int(Path(path).stat().st_size * float(room))
    Path(path).unlink()
    with room_for(most):
        try:
            write(iter(noise(20)), Path(path), ClipFormat(form))
        except OSError as problem:
            print(f"OSError {problem.errno}")


@contextmanager
def room_for(most: int) -> Iterator[None]:
    """Limit the size of all files, and lift the limit afterwards, for coverage files too."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def full_folder(path: str) -> None:
    """The disk is full at the second frame."""
    frames = FrameFolder(Path(path))
    frames.add(Image.new("RGB", (64, 64)))
    with room_for(100):
        try:
            frames.add(next(iter(noise(1))))
        except OSError:
            print("OSError", len(frames))


def memory(form: str, size: str, count: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip"
        write(sliding(30, int(size)), clip, ClipFormat(form))
        before = peak()
        write(sliding(int(count), int(size)), clip, ClipFormat(form))
        print(peak() - before)


def memory_of_the_rest() -> None:
    """Frames on disk, zip, sheets, checks and measures; 50 frames fill the encoder's queue."""
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(2):  # The first time, libraries allocate what they keep.
            process_everything(Path(folder), 50)
        before = peak()
        process_everything(Path(folder), 150)
        print(peak() - before)


def process_everything(folder: Path, count: int) -> None:
    frames = FrameFolder(folder / "frames")
    for picture in sliding(count, 256):
        frames.add(picture)
    clip = folder / "clip.mp4"
    write(frames, clip, ClipFormat.MP4)
    check_clip(clip, frames, fps=24, prompt="waves")
    frames.pack(folder / "frames.zip", lambda packed: None)
    poster(frames)
    hover_strip(frames)
    measure(frame.resize((64, 64)) for frame in frames)
    frames.remove()


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    kinds = {"full": full, "folder": full_folder, "memory": memory, "rest": memory_of_the_rest}
    kinds[sys.argv[1]](*sys.argv[2:])
