"""Writes clips for tests: a portrait that moves, as a file of any format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from generation.media.clips import ClipFormat, write_clip
from generation.media.integrity import Frames, check_file
from generation.media.stillness import check_frames
from tests.generation.moving import moving

PROVENANCE = {
    "prompt": '1girl, 少女, "smiling"; ünïcode',
    "seed": 7,
    "spec": {"steps": 20, "x": None},
}
every_format = pytest.mark.parametrize("form", list(ClipFormat))


def check_clip(path: Path, frames: Frames, *, fps: float, prompt: str) -> None:
    """Check the file and the frames, as a worker does."""
    check_file(path, frames, fps=fps)
    check_frames(frames, fps=fps, prompt=prompt)


def ignore(count: int) -> None:
    pass


def written(
    folder: Path,
    form: ClipFormat = ClipFormat.MP4,
    frames: list[Image.Image] | None = None,
    fps: float = 12,
    provenance: dict[str, Any] = PROVENANCE,
) -> Path:
    path = folder / f"clip{form.extension}"
    write_clip(
        moving() if frames is None else frames,
        path,
        fps=fps,
        clip_format=form,
        provenance=provenance,
        on_frame=ignore,
    )
    return path
