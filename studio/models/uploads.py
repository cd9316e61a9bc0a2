"""Checks of uploaded files: size limits, formats, and re-encoding of pictures."""

import hashlib
import io
import json
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile, File
from django.core.files.uploadedfile import TemporaryUploadedFile
from PIL import Image

from generation.errors import SpecError
from generation.media import pictures
from generation.pipelines.lora_files import LoraWeights, read_lora
from studio.models import refusals
from studio.models.refusals import invalid

MAX_PICTURE_BYTES = 20 * 1024 * 1024
MAX_PICTURE_PIXELS = 40_000_000
KEPT_PIXELS = 1536
FORMATS = pictures.FORMATS
MAX_LORA_BYTES = 1024 * 1024 * 1024
MAX_LORA_HEADER = 10 * 1024 * 1024


class KeptPicture(ContentFile):
    """A re-encoded upload, with its former name and the number of frames that were left out."""

    def __init__(self, content: bytes, uploaded_as: str, left_out: int) -> None:
        super().__init__(content, name="reference.webp")
        self.uploaded_as, self.left_out = uploaded_as, left_out


def reencode_picture(upload: File) -> KeptPicture:
    """Convert the upload to an sRGB WebP of at most 1536 pixels a side, without metadata.

    Raises ValidationError for files that are too large, broken or of another format.
    """
    if (upload.size or 0) > MAX_PICTURE_BYTES:
        found, most = (upload.size or 0) // 1024**2, MAX_PICTURE_BYTES // 1024**2
        raise invalid(refusals.PICTURE_TOO_LARGE, megabytes=found, most=most)
    try:
        with warnings.catch_warnings():
            # Our own limit, which `_check_pixels` reads from the header, applies instead.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(upload, formats=FORMATS)
            _check_pixels(opened)
            # Transparency is kept: cut-out figures would be unrecognisable on black.
            picture = pictures.as_srgb(opened)
            left_out = pictures.further_frames(opened)
    except ValidationError:
        raise
    except Image.DecompressionBombError:
        raise _too_many_pixels("far too many") from None
    except Exception:
        # Pillow raises many kinds of exceptions for damaged files and metadata.
        raise _no_picture(upload) from None
    picture.thumbnail((KEPT_PIXELS, KEPT_PIXELS))
    stream = io.BytesIO()
    picture.save(stream, "WEBP", quality=90)
    return KeptPicture(stream.getvalue(), upload.name or "", left_out)


def _no_picture(upload: File) -> ValidationError:
    """The refusal of a file that cannot be read; it names the format of one that is not taken."""
    upload.seek(0)
    name = pictures.format_named(upload.read(pictures.SNIFFED_BYTES))
    return invalid(refusals.OTHER_FORMAT, name=name) if name else invalid(refusals.NO_PICTURE)


def _check_pixels(picture: Image.Image) -> None:
    """Check the size in the header, before the picture is decoded."""
    pixels = picture.width * picture.height
    if pixels > MAX_PICTURE_PIXELS:
        raise _too_many_pixels(f"{pixels / 1e6:.0f}")


def _too_many_pixels(found: str) -> ValidationError:
    return invalid(refusals.TOO_MANY_PIXELS, found=found, most=f"{MAX_PICTURE_PIXELS / 1e6:.0f}")


def check_lora(upload: File) -> None:
    """Raise ValidationError unless the file holds a LoRA that can be applied to some model.

    A stored file is not read again: it was checked when it was uploaded.
    """
    if not getattr(upload, "_committed", False):
        read_lora_upload(upload)


def read_lora_upload(upload: File) -> LoraWeights:
    """What an uploaded LoRA holds. Raises ValidationError for other files."""
    if (upload.size or 0) > MAX_LORA_BYTES:
        raise invalid(refusals.LORA_TOO_LARGE, most=MAX_LORA_BYTES // 1024**3)
    _check_header(upload)
    try:
        with _on_disk(upload) as path:
            return read_lora(path)
    except SpecError as problem:
        raise ValidationError(problem.message, code=problem.code) from problem


def _check_header(upload: File) -> None:
    """Raise ValidationError for a file that does not begin with a table of a usual length."""
    upload.seek(0)
    try:
        (length,) = struct.unpack("<Q", upload.read(8))
        if length > MAX_LORA_HEADER:
            raise ValueError("header too long")
        if not isinstance(json.loads(upload.read(length)), dict):
            raise ValueError("no table of tensors")
    except (struct.error, ValueError, RecursionError):
        raise invalid(refusals.NO_SAFETENSORS) from None
    finally:
        upload.seek(0)


@contextmanager
def _on_disk(upload: File) -> Iterator[Path]:
    """The path of an upload's content: its own temporary file, or a copy of a small upload."""
    for file in (upload, getattr(upload, "file", None)):
        if isinstance(file, TemporaryUploadedFile):
            yield Path(file.temporary_file_path())
            return
    with NamedTemporaryFile(suffix=".safetensors") as copy:
        for chunk in upload.chunks():
            copy.write(chunk)
        copy.flush()
        upload.seek(0)
        yield Path(copy.name)


def sha256_of(upload: File) -> str:
    """The SHA-256 of a file's whole content, in hex."""
    total = hashlib.sha256()
    upload.seek(0)
    for chunk in upload.chunks():
        total.update(chunk)
    upload.seek(0)
    return total.hexdigest()


def check_template(template: str) -> None:
    """Raise ValidationError unless {prompt} is in a style's template exactly once."""
    if template.count("{prompt}") != 1:
        raise invalid(refusals.PROMPT_PLACE, placeholder="{prompt}")
