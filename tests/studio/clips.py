"""A finished take whose file is a clip: really encoded, with poster, strip and measures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.utils import timezone
from PIL import Image, ImageDraw

from generation.estimating.estimator import Estimator
from generation.media.clips import ClipFormat, write_clip
from generation.media.files import Shelf, StoredOutput
from generation.media.frames import FrameFolder
from generation.models import Device, Output
from generation.quality.consistency import measure
from generation.queue import lifecycle
from studio.models import Take
from tests.studio.conftest import fresh

FRAMES, FPS, SIZE = 12, 6.0, (64, 48)
OTHERS = {"gif": ClipFormat.GIF, "webm": ClipFormat.WEBM, "apng": ClipFormat.APNG}


def ball(frames: int = FRAMES, cut: int | None = None) -> Iterator[Image.Image]:
    """A ball that rolls; from the frame `cut` on it does so elsewhere."""
    for index in range(frames):
        away = cut is not None and index >= cut
        picture = Image.new("RGB", SIZE, "#e8a15c" if away else "#16161a")
        at = 4 + index * 3
        ImageDraw.Draw(picture).ellipse((at, 14, at + 20, 34), "#16161a" if away else "#6fb3d9")
        yield picture


def finish_clip(
    take: Take,
    device: Device,
    folder: Path,
    pictures: Iterable[Image.Image],
    others: Iterable[str] = (),
) -> Take:
    """Let a device finish a waiting take with an MP4 of these pictures and files of other kinds."""
    attempt = lifecycle.start(take.job, device)
    assert attempt is not None
    shelf = Shelf(take.job_id, attempt.number, timezone.now().date())
    frames = FrameFolder(folder / str(take.job_id))
    for picture in pictures:
        frames.add(picture)
    kinds = {"video": ClipFormat.MP4, **{name: OTHERS[name] for name in others}}
    stored = [_stored(shelf, frames, folder, *each) for each in kinds.items()]
    archive = folder / "frames.zip"
    frames.pack(archive, lambda _: None)
    zipped: dict[str, Any] = {"kind": "frames", "media_type": "application/zip"}
    stored.append(shelf.clip(archive, frames, fps=FPS, consistency=None, **zipped))
    assert lifecycle.complete(attempt, stored, {}, Estimator().learn)
    return fresh(take)


def _stored(
    shelf: Shelf, frames: FrameFolder, folder: Path, kind: str, form: ClipFormat
) -> StoredOutput:
    path = folder / f"clip{form.extension}"
    write_clip(frames, path, fps=FPS, clip_format=form, provenance={}, on_frame=lambda _: None)
    consistency = measure(frames).as_json() if kind == "video" else None
    media_type = form.media_type
    return shelf.clip(
        path, frames, fps=FPS, kind=kind, media_type=media_type, consistency=consistency
    )


def output_of(take: Take, kind: str = "video") -> Output:
    """The take's file of a kind."""
    return take.job.outputs.get(kind=kind)
