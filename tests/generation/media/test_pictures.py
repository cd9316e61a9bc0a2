"""Pictures of other programs: their depth, colours, direction and transparency are kept."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generation.media.pictures import as_srgb, format_named, further_frames
from tests.generation.media import profiles

ORIENTATION = 0x0112
TRANSPARENT_VALUE = 1000
IN_SRGB = (219, 37, 49)
"""(200, 60, 60) in P3 with a gamma of 2.2."""


def saved(picture: Image.Image, kind: str = "PNG", **options: Any) -> Image.Image:
    """The picture as it is opened from a file."""
    stream = io.BytesIO()
    picture.save(stream, kind, **options)
    return Image.open(stream)


def grey(values: list[int]) -> Image.Image:
    return Image.fromarray(np.array([values], dtype=np.uint16))


def test_grey_of_16_bits_is_scaled_to_8() -> None:
    opened = saved(grey([0, 257, 1285, 32768, 65535]))
    assert opened.mode == "I;16"

    found = as_srgb(opened)

    assert found.mode == "RGB"
    assert [found.getpixel((x, 0))[0] for x in range(5)] == [0, 1, 5, 128, 255]


def test_the_transparent_value_of_16_bits_stays_transparent() -> None:
    found = as_srgb(saved(grey([TRANSPARENT_VALUE, 65535]), transparency=TRANSPARENT_VALUE))

    assert found.mode == "RGBA"
    assert [found.getpixel((x, 0))[3] for x in range(2)] == [0, 255]


@pytest.mark.parametrize(("kind", "options"), [("PNG", {}), ("WEBP", {"lossless": True})])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_wide_gamut_is_converted_to_srgb(kind: str, options: dict[str, Any], mode: str) -> None:
    picture = Image.new("RGB", (8, 8), (200, 60, 60)).convert(mode)
    if mode == "RGBA":
        picture.putalpha(90)

    found = as_srgb(saved(picture, kind, icc_profile=profiles.p3_of_a_camera(), **options))

    assert found.mode == mode
    assert np.allclose(found.getpixel((4, 4))[:3], IN_SRGB, atol=1)
    assert mode == "RGB" or found.getpixel((4, 4))[3] == 90
    assert "icc_profile" not in found.info


def test_display_p3_is_converted_by_its_own_curve() -> None:
    picture = Image.new("RGB", (8, 8), (200, 60, 60))

    found = as_srgb(saved(picture, icc_profile=profiles.display_p3()))

    assert np.allclose(found.getpixel((4, 4)), (217, 42, 52), atol=1)


def test_a_palette_of_a_wide_gamut_is_converted_too() -> None:
    picture = Image.new("RGB", (8, 8), (200, 60, 60)).quantize(4)

    found = as_srgb(saved(picture, icc_profile=profiles.p3_of_a_camera()))

    assert np.allclose(found.getpixel((4, 4)), IN_SRGB, atol=1)


@pytest.mark.parametrize(("mode", "half"), [("L", 128), ("I;16", 32896)])
def test_grey_has_a_profile_too(mode: str, half: int) -> None:
    picture = Image.new("L", (8, 8), half) if mode == "L" else grey([half] * 8)

    found = as_srgb(saved(picture, icc_profile=profiles.linear_grey()))

    assert np.allclose(found.getpixel((4, 0)), (188, 188, 188), atol=1)


def test_inks_are_those_of_the_profile() -> None:
    ink = Image.new("CMYK", (8, 8), (255, 0, 0, 0))

    found = as_srgb(saved(ink, "JPEG", icc_profile=profiles.inks_of_another_press(), quality=100))
    usual = as_srgb(saved(ink, "JPEG", quality=100))

    assert np.allclose(found.getpixel((4, 4)), (255, 0, 0), atol=12)
    assert np.allclose(usual.getpixel((4, 4)), (0, 255, 255), atol=4)


@pytest.mark.parametrize(
    "profile",
    [b"no profile", profiles.p3_of_a_camera()[:200], profiles.inks_of_another_press()],
    ids=["text", "half of one", "of other pixels"],
)
def test_a_profile_that_says_nothing_changes_nothing(profile: bytes) -> None:
    picture = Image.new("RGB", (8, 8), (200, 60, 60))

    assert as_srgb(saved(picture, icc_profile=profile)).getpixel((4, 4)) == (200, 60, 60)


def test_a_turned_photo_of_a_wide_gamut_is_upright() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    picture = Image.new("RGB", (8, 4), (200, 60, 60))

    found = as_srgb(
        saved(
            picture, "JPEG", exif=exif.tobytes(), icc_profile=profiles.p3_of_a_camera(), quality=100
        )
    )

    assert found.size == (4, 8)
    assert np.allclose(found.getpixel((2, 4)), IN_SRGB, atol=3)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_an_animation_is_told_from_a_picture(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]

    assert further_frames(saved(frames[0], kind, save_all=True, append_images=frames[1:])) == 2
    assert further_frames(saved(frames[0], kind)) == 0


def test_a_photo_with_a_second_picture_inside_is_no_animation() -> None:
    photo = saved(
        Image.new("RGB", (8, 8)), "MPO", save_all=True, append_images=[Image.new("RGB", (8, 8))]
    )

    assert photo.n_frames == 2
    assert further_frames(photo) == 0


@pytest.mark.parametrize(
    ("beginning", "name"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0", "a HEIC picture"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0", "a HEIC picture"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "an AVIF picture"),
        (b"\0\0\0\x20ftypisom\0\0\x02\0", "a video"),
        (b"8BPS\0\x01", "a Photoshop file"),
        (b"CSFCHUNK\0", "a Clip Studio file"),
        (b"%PDF-1.7", "a PDF document"),
        (b'<?xml version="1.0"?>\n<SVG xmlns', "an SVG drawing"),
        (b"\xff\x0a\xfa", "a JPEG XL picture"),
        (b"RIFF\x10\0\0\0AVI LIST", "a video"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", None),
        (b"\x89PNG\r\n\x1a\n", None),
        (b"#!/bin/sh", None),
        (b"", None),
    ],
)
def test_a_format_is_known_by_the_beginning_of_a_file(beginning: bytes, name: str | None) -> None:
    assert format_named(beginning) == name


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("GIF", "a GIF picture"),
        ("BMP", "a BMP picture"),
        ("TIFF", "a TIFF picture"),
        ("AVIF", "an AVIF picture"),
        ("ICO", "an icon"),
        ("JPEG2000", "a JPEG 2000 picture"),
    ],
)
def test_what_pillow_writes_is_named(kind: str, name: str) -> None:
    opened = saved(Image.new("RGB", (16, 16)), kind)
    opened.fp.seek(0)

    assert format_named(opened.fp.read(512)) == name
