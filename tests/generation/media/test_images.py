"""Encoding pictures, and reading their provenance."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

from generation.media.images import (
    PREVIEW_PIXELS,
    THUMBNAIL_PIXELS,
    png_with_provenance,
    preview,
    thumbnail,
)
from tests.generation.media.png_files import read_provenance


def picture(width: int = 64, height: int = 48) -> Image.Image:
    return Image.linear_gradient("L").resize((width, height)).convert("RGB")


def opened(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


json_values = some.recursive(
    some.none() | some.booleans() | some.integers() | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(), inner, max_size=3),
    max_leaves=5,
)


@given(some.dictionaries(some.text(), json_values, max_size=4))
def test_a_png_contains_any_provenance(provenance: dict[str, object]) -> None:
    assert read_provenance(png_with_provenance(picture(8, 8), provenance)) == provenance


def test_a_png_is_lossless() -> None:
    with opened(png_with_provenance(picture(), {"seed": 7})) as read:
        assert read.tobytes() == picture().tobytes()


def test_the_same_picture_gives_the_same_bytes() -> None:
    provenance = {"prompt": "少女", "seed": 7}

    assert png_with_provenance(picture(), provenance) == png_with_provenance(
        picture(), dict(reversed(provenance.items()))
    )


def test_a_png_of_another_program_has_no_provenance() -> None:
    stream = io.BytesIO()
    picture().save(stream, "PNG")

    with pytest.raises(KeyError):
        read_provenance(stream.getvalue())


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((768, 768), (384, 384)),
        ((768, 384), (384, 192)),
        ((256, 1024), (96, 384)),
        ((128, 64), (128, 64)),
    ],
)
def test_a_thumbnail_is_small_and_keeps_its_aspect_ratio(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    with opened(thumbnail(picture(*size))) as small:
        assert (small.format, small.size) == ("WEBP", expected)
        assert max(small.size) <= THUMBNAIL_PIXELS


def test_a_thumbnail_does_not_change_its_picture() -> None:
    large = picture(768, 768)

    thumbnail(large)

    assert large.size == (768, 768)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((16, 16), (128, 128)), ((32, 16), (128, 64)), ((1000, 1), (128, 1))],
)
def test_a_preview_is_scaled_to_one_size_and_has_few_bytes(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    content = preview(picture(*size))

    with opened(content) as small:
        assert (small.format, small.size) == ("WEBP", expected)
        assert max(small.size) == PREVIEW_PIXELS
    assert len(content) < 8192
