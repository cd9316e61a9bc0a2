"""Small pictures of a clip: its poster, and the strip that plays under the pointer."""

from __future__ import annotations

import io
from typing import NamedTuple, Protocol

from PIL import Image

POSTER_PIXELS = 768
TILE_PIXELS = 192
# WebP pictures have at most 16383 pixels per side.
MOST_TILES = 16383 // TILE_PIXELS


class Frames(Protocol):
    """Frames of one size that can be opened one at a time, such as a FrameFolder or a list."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Image.Image: ...


class HoverStrip(NamedTuple):
    """A WebP of `tiles` pictures of one size side by side."""

    content: bytes
    tiles: int


def poster(frames: Frames) -> bytes:
    """The middle frame as WebP, at most 768 pixels on the longer side; smaller frames keep theirs.

    It is the middle frame because a clip fades, starts to move or comes to rest at its ends.
    Raises ValueError without frames.
    """
    if not len(frames):
        raise ValueError("A clip without frames has no poster.")
    return _webp(_shrunk(frames[len(frames) // 2], POSTER_PIXELS), quality=86)


def hover_strip(frames: Frames, count: int = 12) -> HoverStrip:
    """Evenly spaced frames from the first to the last, side by side from left to right.

    Each is at most 192 pixels on the longer side. A clip of fewer than `count` frames gives one
    tile for each. Only one frame is open at a time. Raises ValueError without frames, or when
    `count` is not 1 to 85.
    """
    if not len(frames):
        raise ValueError("A clip without frames has no strip.")
    if not 1 <= count <= MOST_TILES:
        raise ValueError(f"A strip has 1 to {MOST_TILES} tiles, not {count}.")
    indices = _spread(len(frames), min(count, len(frames)))
    width, height = _shrunk(frames[0], TILE_PIXELS).size
    strip = Image.new("RGB", (width * len(indices), height))
    for tile, index in enumerate(indices):
        strip.paste(_shrunk(frames[index], TILE_PIXELS), (tile * width, 0))
    return HoverStrip(_webp(strip, quality=80), len(indices))


def _spread(length: int, count: int) -> list[int]:
    """`count` different indices from 0 to `length` - 1, evenly spaced; a single one is 0."""
    return [round(tile * (length - 1) / max(count - 1, 1)) for tile in range(count)]


def _shrunk(picture: Image.Image, pixels: int) -> Image.Image:
    small = picture.convert("RGB")
    small.thumbnail((pixels, pixels), Image.Resampling.LANCZOS)
    return small


def _webp(picture: Image.Image, quality: int) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "WEBP", quality=quality, method=2)
    return stream.getvalue()
