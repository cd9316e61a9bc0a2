"""Turns finished frames into files: writes, reads back, measures and stores them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from generation.media.clips import ClipFormat, write_clip
from generation.media.files import Shelf, StoredOutput, unwritable
from generation.media.frames import FrameFolder
from generation.media.integrity import check_file
from generation.media.stillness import check_frames
from generation.models.output import FRAMES_KIND
from generation.quality.consistency import measure
from generation.specs import RenderSpec

OnFrame = Callable[[int], None]
"""Called with the number of frames done. If it raises, writing stops and leaves no file."""


def write(
    spec: RenderSpec,
    frames: FrameFolder,
    folder: Path,
    provenance: dict[str, Any],
    on_frame: OnFrame,
) -> list[tuple[ClipFormat, Path]]:
    """Write the clip as MP4 and in every other requested format. Raises OutputUnwritable.

    `on_frame` counts the frames of the MP4. For the other formats it is called with the full
    number, only to check for interruptions.
    """
    written: list[tuple[ClipFormat, Path]] = []

    def check_interruptions(_: int) -> None:
        on_frame(len(frames))

    for form in (ClipFormat.MP4, *(ClipFormat(name) for name in spec.formats)):
        path = folder / f"clip{form.extension}"
        with unwritable():
            write_clip(
                frames,
                path,
                fps=spec.delivered_fps,
                clip_format=form,
                provenance=provenance,
                on_frame=on_frame if form == ClipFormat.MP4 else check_interruptions,
            )
        written.append((form, path))
    return written


def check(
    spec: RenderSpec,
    frames: FrameFolder,
    written: list[tuple[ClipFormat, Path]],
    on_frame: OnFrame,
) -> dict[str, Any]:
    """Read every file back, then measure the consistency of consecutive frames.

    Raises OutputBroken for a file that differs from what was written, or for a useless clip, such
    as one that never moves.
    """
    for _, path in written:
        check_file(path, frames, fps=spec.delivered_fps)
    check_frames(frames, fps=spec.delivered_fps, prompt=spec.prompt)
    return measure(_counted(frames, on_frame)).as_json()


def store(
    spec: RenderSpec,
    frames: FrameFolder,
    written: list[tuple[ClipFormat, Path]],
    consistency: dict[str, Any],
    shelf: Shelf,
    folder: Path,
) -> list[StoredOutput]:
    """Move all files to the storage, the MP4 first. Raises OutputUnwritable."""
    outputs = [
        shelf.clip(
            path,
            frames,
            fps=spec.delivered_fps,
            kind="video" if form == ClipFormat.MP4 else form.value,
            media_type=form.media_type,
            consistency=consistency if form == ClipFormat.MP4 else None,
        )
        for form, path in written
    ]
    if spec.keeps_frames:
        path = folder / "frames.zip"
        with unwritable():
            frames.pack(path, lambda _: None)
        outputs.append(
            shelf.clip(
                path,
                frames,
                fps=spec.delivered_fps,
                kind=FRAMES_KIND,
                media_type="application/zip",
                consistency=None,
            )
        )
    return outputs


def _counted(frames: FrameFolder, on_frame: OnFrame) -> Iterator[Image.Image]:
    for number, frame in enumerate(frames, 1):
        yield frame
        on_frame(number)
