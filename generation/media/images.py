"""Encodes pictures: PNG with provenance inside, WebP thumbnails and previews.

The same picture with the same provenance gives the same bytes: no date is written.
"""

import io
import json
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from generation.media.parameters import KEYWORD, parameters_of

PROVENANCE_KEY = "genga"
THUMBNAIL_PIXELS = 384
PREVIEW_PIXELS = 128
PNG_LEVEL = 4
"""Takes half the time of level 6, for four percent more bytes on drawn pictures."""


def png_with_provenance(picture: Image.Image, provenance: dict[str, Any]) -> bytes:
    """A lossless PNG with the provenance in text chunks: as JSON, and as other programs read it."""
    text = PngInfo()
    if parameters := parameters_of(provenance):
        text.add_text(KEYWORD, parameters)
    text.add_itxt(PROVENANCE_KEY, json.dumps(provenance, sort_keys=True, ensure_ascii=False))
    stream = io.BytesIO()
    picture.save(stream, "PNG", pnginfo=text, compress_level=PNG_LEVEL)
    return stream.getvalue()


def thumbnail(picture: Image.Image) -> bytes:
    """A WebP of at most 384 pixels on the longer side; smaller pictures keep their size."""
    small = picture.convert("RGB")
    small.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    return _webp(small, quality=86)


def preview(picture: Image.Image) -> bytes:
    """A small WebP of a picture that is still being rendered, a few kilobytes."""
    scale = PREVIEW_PIXELS / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return _webp(picture.resize(size, Image.Resampling.BICUBIC), quality=70)


def _webp(picture: Image.Image, quality: int) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "WEBP", quality=quality, method=2)
    return stream.getvalue()
