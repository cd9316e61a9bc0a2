"""Stores the finished files of an attempt, completely or not at all."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from generation.errors import OutputUnwritable, public_text
from generation.field import MediaType
from generation.media.frames import FrameFolder
from generation.media.images import png_with_provenance, thumbnail
from generation.media.sheets import hover_strip, poster

OUTPUTS = "outputs"
"""The folder of the storage that has a folder of finished files for each month."""


@dataclass(frozen=True, slots=True)
class StoredOutput:
    """A file in the storage, with the columns of an Output row."""

    kind: str
    file: str
    thumbnail: str
    media_type: str
    width: int
    height: int
    frames: int
    fps: float | None
    bytes: int
    sha256: str
    strip: str = ""
    strip_frames: int = 0
    consistency: dict[str, Any] | None = None

    def fields(self) -> dict[str, Any]:
        """Keyword arguments for an Output."""
        return asdict(self)


class Shelf:
    """Stores the files of one attempt; `written` lists their names, so that they can be deleted."""

    def __init__(self, job_id: UUID, attempt: int, day: date) -> None:
        self._stem = f"{month_folder(day)}/{job_id}-{attempt}"
        self.written: list[str] = []

    def picture(self, picture: Image.Image, provenance: dict[str, Any]) -> StoredOutput:
        """Store a picture as PNG with its thumbnail. Raises OutputUnwritable."""
        content = png_with_provenance(picture, provenance)
        return StoredOutput(
            kind="image",
            file=self._save(".png", ContentFile(content)),
            thumbnail=self._save(".webp", ContentFile(thumbnail(picture))),
            media_type="image/png",
            width=picture.width,
            height=picture.height,
            frames=1,
            fps=None,
            bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )

    def clip(
        self,
        path: Path,
        frames: FrameFolder,
        *,
        fps: float,
        kind: str,
        media_type: str,
        consistency: dict[str, Any] | None,
    ) -> StoredOutput:
        """Store a finished file made of `frames`. Raises OutputUnwritable.

        A file of kind video, which pages play, also gets a poster and a hover strip.
        """
        width, height = frames[0].size
        with path.open("rb") as stream:
            stored = StoredOutput(
                kind=kind,
                file=self._save(path.suffix, File(stream)),
                thumbnail="",
                media_type=media_type,
                width=width,
                height=height,
                frames=len(frames),
                fps=fps,
                bytes=path.stat().st_size,
                sha256=hash_file(path),
                consistency=consistency,
            )
        return self._with_sheets(stored, frames) if kind == MediaType.VIDEO else stored

    def _with_sheets(self, stored: StoredOutput, frames: FrameFolder) -> StoredOutput:
        strip, count = hover_strip(frames)
        return replace(
            stored,
            thumbnail=self._save(".webp", ContentFile(poster(frames))),
            strip=self._save("-strip.webp", ContentFile(strip)),
            strip_frames=count,
        )

    def _save(self, suffix: str, content: "File[bytes]") -> str:
        with unwritable():
            name = default_storage.save(f"{self._stem}{suffix}", content)
        self.written.append(name)
        return name


def month_folder(day: date) -> str:
    """The folder of the files that attempts of that month store."""
    return f"{OUTPUTS}/{day:%Y/%m}"


@contextmanager
def unwritable() -> Iterator[None]:
    """Turn an OSError inside this context into OutputUnwritable."""
    try:
        yield
    except OSError as problem:
        raise OutputUnwritable(
            f"The result could not be stored: {public_text(problem)}"
        ) from problem


def hash_file(path: Path) -> str:
    """SHA-256 of a file's content, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
