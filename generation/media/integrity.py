"""Reads a written file back before it is stored, and checks that it contains what was rendered.

Frames are streamed, so memory does not grow with the clip. All messages count frames from 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generation.errors import OutputBroken, public_text
from generation.media.clips import UnreadableClip, describe, read_frames, read_provenance

# The least PSNR of any patch of 32 x 32 pixels, compared at a quarter of the size. At that size the
# fine colours that 4:2:0 and a palette of 256 lose do not count, but damage does, which comes in
# blocks of 16. Undamaged files are far above, even when they show nothing but noise.
LEAST_PSNR = 26.0
SHRINKING = 4
PATCH_PIXELS = 32

# A clip may end half a frame early or late; GIF's times are in hundredths of a second.
CLOCK_SECONDS = 0.0101


class Frames(Protocol):
    """The written frames: a FrameFolder or a list."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Image.Image]: ...


def check_file(path: Path, frames: Frames, *, fps: float) -> None:
    """Raise OutputBroken if decoding the file does not give the frames that were written.

    The file must contain all these frames, in their size and order, at `fps`, and its provenance.
    """
    try:
        facts = describe(path)
    except (UnreadableClip, OSError) as problem:
        raise OutputBroken(
            f"The written clip cannot be read back: {public_text(problem)}"
        ) from problem
    if facts.frames != len(frames):
        raise OutputBroken(
            f"The written clip ends after frame {facts.frames}; {len(frames)} were rendered."
        )
    if abs(facts.duration - len(frames) / fps) > max(0.5 / fps, CLOCK_SECONDS):
        raise OutputBroken(
            f"Frame {facts.frames}, the last of the written clip, ends after {facts.duration:.3f} "
            f"seconds instead of {len(frames) / fps:.3f}."
        )
    try:
        read_provenance(path)
    except KeyError:
        raise OutputBroken("The written clip does not say any more how it was made.") from None
    for number, (written, read) in enumerate(zip(frames, read_frames(path), strict=True), 1):
        _compare(number, written, read)


def _compare(number: int, written: Image.Image, read: Image.Image) -> None:
    if read.size != written.size:
        raise OutputBroken(
            f"Frame {number} of the written clip has {read.width} x {read.height} pixels; "
            f"{written.width} x {written.height} were rendered."
        )
    decibels = fidelity(written, read)
    if decibels < LEAST_PSNR:
        raise OutputBroken(
            f"Frame {number} of the written clip is damaged: it does not look like the rendered "
            f"one (PSNR {decibels:.1f} dB in the worst place)."
        )


def fidelity(written: Image.Image, read: Image.Image) -> float:
    """PSNR in dB of the worst patch of two pictures of one size; 99 when they are equal."""
    difference = _shrunk(written) - _shrunk(read)
    squared = (difference * difference).mean(axis=2)
    patches = (max(1, round(side * SHRINKING / PATCH_PIXELS)) for side in squared.shape[::-1])
    worst = float(np.max(cv2.resize(squared, tuple(patches), interpolation=cv2.INTER_AREA)))
    return 10.0 * float(np.log10(255.0**2 / worst)) if worst > 1e-5 else 99.0


def _shrunk(picture: Image.Image) -> NDArray[np.float32]:
    return np.asarray(picture.convert("RGB").reduce(SHRINKING), dtype=np.float32)
