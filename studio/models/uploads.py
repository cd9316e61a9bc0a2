"""What people upload: bounded, checked and re-encoded before anything keeps it."""

import hashlib
import io
import json
import struct
import warnings
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile, File
from PIL import Image, ImageOps

MAX_PICTURE_BYTES = 20 * 1024 * 1024
MAX_PICTURE_PIXELS = 40_000_000
KEPT_PIXELS = 1536
MAX_LORA_BYTES = 1024 * 1024 * 1024
MAX_LORA_HEADER = 10 * 1024 * 1024
TOO_MANY_PIXELS = (
    "The picture has {found} megapixels; at most "
    f"{MAX_PICTURE_PIXELS / 1e6:.0f} are taken. Make it smaller and try again."
)
FORMATS = ("PNG", "JPEG", "WEBP")


def reencode_picture(upload: File) -> ContentFile:
    """The upload as a WebP of at most 1536 pixels a side, without metadata.

    Raises ValidationError with a sentence for files that are too large, broken or no picture.
    """
    if (upload.size or 0) > MAX_PICTURE_BYTES:
        raise ValidationError(
            f"The picture has {(upload.size or 0) // 1024**2} MB; at most 20 MB are taken."
        )
    try:
        with warnings.catch_warnings():
            # Our own bound, checked below from the header, is the one that people are told.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            opened = Image.open(upload, formats=FORMATS)
            _check_pixels(opened)
            # Cut-out figures keep their transparency: on black they could not be made out.
            mode = "RGBA" if opened.has_transparency_data else "RGB"
            picture = ImageOps.exif_transpose(opened).convert(mode)
    except ValidationError:
        raise
    except Image.DecompressionBombError:
        raise ValidationError(TOO_MANY_PIXELS.format(found="far too many")) from None
    except Exception:
        # Pillow's readers of damaged files and metadata raise nearly every kind of exception.
        raise ValidationError(
            "The file is broken or no picture. PNG, JPEG and WebP are taken."
        ) from None
    picture.thumbnail((KEPT_PIXELS, KEPT_PIXELS))
    stream = io.BytesIO()
    picture.save(stream, "WEBP", quality=90)
    return ContentFile(stream.getvalue(), name="reference.webp")


def _check_pixels(picture: Image.Image) -> None:
    """The header tells the size; nothing is decoded for a picture that is too large."""
    pixels = picture.width * picture.height
    if pixels > MAX_PICTURE_PIXELS:
        raise ValidationError(TOO_MANY_PIXELS.format(found=f"{pixels / 1e6:.0f}"))


def check_lora(upload: File) -> None:
    """Accept safetensors only, judged by the file's own header. Raises ValidationError."""
    if (upload.size or 0) > MAX_LORA_BYTES:
        raise ValidationError("The file is larger than 1 GB.")
    header = read_safetensors_header(upload)
    if not any("lora" in name.lower() for name in header):
        raise ValidationError("The file holds no LoRA weights.")


def read_safetensors_header(upload: File) -> dict[str, Any]:
    """The table of tensors at the start of a safetensors file. Raises ValidationError."""
    upload.seek(0)
    try:
        (length,) = struct.unpack("<Q", upload.read(8))
        if length > MAX_LORA_HEADER:
            raise ValueError("header too long")
        header: dict[str, Any] = json.loads(upload.read(length))
        if not isinstance(header, dict):
            raise ValueError("no table of tensors")
    except (struct.error, ValueError, RecursionError):
        raise ValidationError("The file is no safetensors file; no other kind is taken.") from None
    finally:
        upload.seek(0)
    return header


def sha256_of(upload: File) -> str:
    """SHA-256 of a file's content, in hex; the file is read from its start."""
    total = hashlib.sha256()
    upload.seek(0)
    for chunk in upload.chunks():
        total.update(chunk)
    upload.seek(0)
    return total.hexdigest()


def check_template(template: str) -> None:
    """A style's template holds {prompt} exactly once. Raises ValidationError."""
    if template.count("{prompt}") != 1:
        raise ValidationError("The template must hold {prompt} exactly once.")
