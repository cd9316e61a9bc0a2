"""Storing a finished picture with its thumbnail, both or neither."""

import hashlib
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from generation.errors import OutputUnwritable
from generation.media.images import png_with_provenance, thumbnail


@dataclass(frozen=True, slots=True)
class StoredOutput:
    """A file in the storage, as an Output row describes it."""

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

    def fields(self) -> dict[str, Any]:
        """Keyword arguments for an Output."""
        return asdict(self)


def store_picture(
    picture: Image.Image, provenance: dict[str, Any], *, job_id: UUID, attempt: int, day: date
) -> StoredOutput:
    """Write the picture and its thumbnail. Raises OutputUnwritable and leaves neither behind."""
    content = png_with_provenance(picture, provenance)
    stem = f"outputs/{day:%Y/%m}/{job_id}-{attempt}"
    written: list[str] = []
    try:
        written.append(default_storage.save(f"{stem}.png", ContentFile(content)))
        written.append(default_storage.save(f"{stem}.webp", ContentFile(thumbnail(picture))))
    except OSError as problem:
        for name in written:
            default_storage.delete(name)
        raise OutputUnwritable(f"The picture could not be stored: {problem}") from problem
    return StoredOutput(
        kind="image",
        file=written[0],
        thumbnail=written[1],
        media_type="image/png",
        width=picture.width,
        height=picture.height,
        frames=1,
        fps=None,
        bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )
