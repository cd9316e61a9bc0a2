"""Checks of uploaded files: size limits, formats, and re-encoding of pictures."""

import hashlib
import io
import json
import struct
import warnings
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile, File
from PIL import Image

from generation.media import pictures
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
    """Raise ValidationError unless the file's header is that of LoRA weights in safetensors."""
    if (upload.size or 0) > MAX_LORA_BYTES:
        raise invalid(refusals.LORA_TOO_LARGE, most=MAX_LORA_BYTES // 1024**3)
    header = read_safetensors_header(upload)
    if not any("lora" in name.lower() for name in header):
        raise invalid(refusals.NO_LORA)


def read_safetensors_header(upload: File) -> dict[str, Any]:
    """Read the header of a safetensors file. Raises ValidationError for other files."""
    upload.seek(0)
    try:
        (length,) = struct.unpack("<Q", upload.read(8))
        if length > MAX_LORA_HEADER:
            raise ValueError("header too long")
        header: dict[str, Any] = json.loads(upload.read(length))
        if not isinstance(header, dict):
            raise ValueError("no table of tensors")
    except (struct.error, ValueError, RecursionError):
        raise invalid(refusals.NO_SAFETENSORS) from None
    finally:
        upload.seek(0)
    return header


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
