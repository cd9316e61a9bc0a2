"""Posters and hover strips."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from generation.media.frames import FrameFolder
from generation.media.sheets import MOST_TILES, hover_strip, poster


class Watched(list[Image.Image]):
    """Frames that record which of them were opened."""

    def __init__(self, frames: list[Image.Image]) -> None:
        super().__init__(frames)
        self.seen: set[int] = set()

    def __getitem__(self, index: int) -> Image.Image:  # type: ignore[override]
        self.seen.add(index)
        return super().__getitem__(index)


def ramp(count: int, size: tuple[int, int] = (64, 48)) -> list[Image.Image]:
    """Frames from black to nearly white."""
    return [Image.new("RGB", size, (round(240 * n / max(count - 1, 1)),) * 3) for n in range(count)]


def opened(content: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(content))
    assert picture.format == "WEBP"
    return picture.convert("RGB")


def grey(picture: Image.Image, x: int) -> int:
    pixel = picture.getpixel((x, picture.height // 2))
    assert isinstance(pixel, tuple)
    return int(pixel[0])


@pytest.mark.parametrize(
    ("size", "expected"),
    [((1024, 512), (768, 384)), ((512, 1024), (384, 768)), ((256, 256), (256, 256))],
)
def test_a_poster_is_at_most_768_pixels(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert opened(poster(ramp(3, size))).size == expected


def test_a_poster_is_the_middle_frame_and_only_that_is_opened() -> None:
    frames = Watched(ramp(9))

    assert grey(opened(poster(frames)), 30) == pytest.approx(120, abs=3)
    assert frames.seen == {4}


def test_a_strip_shows_the_first_to_the_last_frame() -> None:
    strip = hover_strip(ramp(100, (384, 256)))
    picture = opened(strip.content)

    assert (strip.tiles, picture.size) == (12, (12 * 192, 128))
    shades = [grey(picture, tile * 192 + 96) for tile in range(12)]
    assert shades == pytest.approx([240 * tile / 11 for tile in range(12)], abs=5)


def test_a_short_clip_gives_one_tile_for_each_frame() -> None:
    content, tiles = hover_strip(ramp(5))

    assert (tiles, opened(content).size) == (5, (5 * 64, 48))


def test_a_single_tile_is_the_first_frame() -> None:
    strip = hover_strip(ramp(5), count=1)

    assert (strip.tiles, grey(opened(strip.content), 30)) == (1, pytest.approx(0, abs=3))


def test_the_longest_strip_is_still_a_webp() -> None:
    strip = hover_strip(ramp(MOST_TILES, (384, 16)), count=MOST_TILES)

    assert opened(strip.content).size == (MOST_TILES * 192, 8)


def test_frames_may_be_in_a_folder(tmp_path: Path) -> None:
    frames = FrameFolder(tmp_path)
    for picture in ramp(4):
        frames.add(picture)

    assert poster(frames) == poster(ramp(4))
    assert hover_strip(frames) == hover_strip(ramp(4))


def test_a_clip_without_frames_is_refused() -> None:
    with pytest.raises(ValueError, match="without frames"):
        poster([])
    with pytest.raises(ValueError, match="without frames"):
        hover_strip([])


@pytest.mark.parametrize("count", [0, MOST_TILES + 1])
def test_a_strip_has_a_sensible_number_of_tiles(count: int) -> None:
    with pytest.raises(ValueError, match="tiles"):
        hover_strip(ramp(3), count=count)
