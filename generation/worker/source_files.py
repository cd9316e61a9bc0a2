"""Fetches, verifies and reads the finished file that a job starts from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from django.core.files.storage import default_storage
from PIL import Image, ImageOps

from generation.errors import ModelChanged, SourceUnreadable, public_text
from generation.field import MediaType
from generation.media.clips import read_frames
from generation.media.files import hash_file
from generation.media.pictures import as_srgb
from generation.pipelines.model_files import LoraFile
from generation.specs import RenderSpec, SourceFile

READ_BYTES = 1 << 20


def first_frame(spec: RenderSpec, folder: Path) -> Image.Image | None:
    """The first picture of a clip, in the spec's size; None for a render without a source.

    A picture of another aspect ratio is cropped around its centre. Raises SourceUnreadable.
    """
    if spec.source is None:
        return None
    picture = _picture(fetch(spec.source, folder))
    return ImageOps.fit(picture, (spec.width, spec.height), Image.Resampling.LANCZOS)


def loras(spec: RenderSpec) -> tuple[LoraFile, ...]:
    """The LoRAs of a spec, whose content is what was uploaded. Raises ModelChanged.

    A missing file is left to the loading.
    """
    found = []
    for lora in spec.loras:
        path = Path(default_storage.path(lora.file))
        if path.is_file() and _content_of(path) != lora.sha256:
            raise ModelChanged(
                f"The LoRA file {path.name} is not what was uploaded.",
                "Upload it again on the character's page in the admin site, then render again.",
            )
        found.append(LoraFile(lora.sha256[:16], path, lora.scale))
    return tuple(found)


def frames(spec: RenderSpec, folder: Path) -> Iterator[Image.Image]:
    """Yield the frames of the file to enhance. Raises SourceUnreadable."""
    if spec.source is None:
        raise SourceUnreadable("The job names no file to enhance.")
    path = fetch(spec.source, folder)
    if spec.type == MediaType.IMAGE:
        yield _picture(path)
        return
    try:
        yield from read_frames(path)
    except (OSError, ValueError) as problem:
        raise SourceUnreadable(
            f"The clip to enhance cannot be read: {public_text(problem)}"
        ) from problem


def fetch(source: SourceFile, folder: Path) -> Path:
    """Copy the source into `folder` and verify its hash. Raises SourceUnreadable."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"source{Path(source.file).suffix}"
    content = hashlib.sha256()
    try:
        with default_storage.open(source.file) as stored, path.open("wb") as copy:
            while chunk := stored.read(READ_BYTES):
                content.update(chunk)
                copy.write(chunk)
    except FileNotFoundError:
        raise SourceUnreadable("The file to start from is not there any more.") from None
    if content.hexdigest() != source.sha256:
        raise SourceUnreadable("The file to start from is not what it was: it was damaged.")
    return path


def _content_of(path: Path) -> str:
    """SHA-256 of a file; it is read again only when its size or time of change differs."""
    seen = path.stat()
    return _hash_of(path, seen.st_size, seen.st_mtime_ns)


@lru_cache(maxsize=64)
def _hash_of(path: Path, _size: int, _mtime_ns: int) -> str:
    return hash_file(path)


def _picture(path: Path) -> Image.Image:
    try:
        with Image.open(path) as picture:
            return as_srgb(picture).convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError) as problem:
        raise SourceUnreadable(
            f"The picture to start from cannot be read: {public_text(problem)}"
        ) from problem
