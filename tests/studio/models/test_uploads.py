"""Uploads: size limits, checks of the content, and re-encoding."""

from __future__ import annotations

import hashlib
import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from PIL import Image

from studio.models import uploads
from tests.generation.media.profiles import p3_of_a_camera

ORIENTATION = 0x0112
ROTATED_RIGHT = 6


@contextmanager
def refused(code: str, *values: str) -> Iterator[None]:
    """The block raises a ValidationError with this code, whose sentence names these values."""
    with pytest.raises(ValidationError) as raised:
        yield
    assert raised.value.code == code
    assert all(value in raised.value.message for value in values)


def picture(
    size: tuple[int, int] = (60, 40), kind: str = "PNG", mode: str = "RGB", **options: Any
) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, size, "red").save(stream, kind, **options)
    return stream.getvalue()


def png_header(width: int, height: int) -> bytes:
    """A PNG header of any size without pixels, as in a decompression bomb."""
    size = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", size) + _chunk(b"IDAT", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checksum


def kept(content: bytes) -> Image.Image:
    return Image.open(uploads.reencode_picture(ContentFile(content)))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_any_picture_is_stored_as_webp(kind: str) -> None:
    found = kept(picture(kind=kind))

    assert (found.format, found.size, found.mode) == ("WEBP", (60, 40), "RGB")


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK"])
def test_every_mode_is_converted_to_rgb(mode: str) -> None:
    assert kept(picture(mode=mode, kind="JPEG" if mode == "CMYK" else "PNG")).mode == "RGB"


def test_a_cut_out_figure_keeps_its_transparency() -> None:
    stream = io.BytesIO()
    Image.new("RGBA", (60, 40), (255, 0, 0, 0)).save(stream, "PNG")

    found = kept(stream.getvalue())

    assert (found.format, found.mode) == ("WEBP", "RGBA")
    assert found.getpixel((5, 5))[3] == 0


def test_a_large_picture_is_scaled_down_with_its_aspect_ratio() -> None:
    assert kept(picture((3000, 1500))).size == (1536, 768)


def test_a_rotated_photo_is_stored_upright_and_without_metadata() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = ROTATED_RIGHT
    exif[0x010E] = "taken at home"

    found = kept(picture((60, 40), "JPEG", exif=exif.tobytes()))

    assert found.size == (40, 60)
    assert not found.getexif()
    assert "exif" not in found.info


def test_fifty_megapixels_are_refused_by_the_header() -> None:
    with refused("too_many_pixels", "50"):
        uploads.reencode_picture(ContentFile(png_header(10_000, 5_000)))


def test_forty_megapixels_are_accepted() -> None:
    # Grey, so that the test needs 40 MB and not 120.
    assert kept(picture((8_000, 5_000), mode="L")).size == (1536, 960)


def test_the_header_of_a_decompression_bomb_is_refused() -> None:
    with refused("too_many_pixels", "40"):
        uploads.reencode_picture(ContentFile(png_header(60_000, 60_000)))


def test_a_file_of_too_many_bytes_is_refused_before_it_is_opened() -> None:
    upload = ContentFile(b"")
    upload.size = 21 * 1024 * 1024

    with refused("picture_too_large", "21 MB", "20 MB"):
        uploads.reencode_picture(upload)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no picture at all",
        picture()[:60],
        picture(kind="JPEG")[:300],
        png_header(10, 10),
    ],
    ids=["empty", "text", "half a PNG", "half a JPEG", "only a header"],
)
def test_broken_files_are_refused(content: bytes) -> None:
    with refused("no_picture"):
        uploads.reencode_picture(ContentFile(content))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (picture(kind="GIF"), "a GIF picture"),
        (picture(kind="BMP"), "a BMP picture"),
        (picture(kind="TIFF"), "a TIFF picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG drawing"),
        (b"\0\0\0\x18ftypheic" + bytes(600), "a HEIC picture"),
    ],
)
def test_a_file_of_another_format_is_refused_by_its_name(content: bytes, name: str) -> None:
    with refused("other_format", f"This is {name}.", "PNG, JPEG, WebP"):
        uploads.reencode_picture(ContentFile(content))


def test_a_reference_of_16_bit_grey_stays_grey() -> None:
    stream = io.BytesIO()
    Image.fromarray(np.full((40, 60), 32896, dtype=np.uint16)).save(stream, "PNG")

    assert kept(stream.getvalue()).getpixel((5, 5)) == pytest.approx((128, 128, 128), abs=2)


def test_a_reference_in_a_wide_gamut_is_stored_in_srgb() -> None:
    stream = io.BytesIO()
    wide = Image.new("RGB", (60, 40), (200, 60, 60))
    wide.save(stream, "PNG", icc_profile=p3_of_a_camera())

    found = kept(stream.getvalue())

    assert found.getpixel((5, 5)) == pytest.approx((219, 37, 49), abs=2)
    assert "icc_profile" not in found.info


def test_of_an_animation_it_is_known_how_many_frames_were_left_out() -> None:
    frames = [Image.new("RGB", (60, 40), colour) for colour in ("red", "green", "blue")]
    stream = io.BytesIO()
    frames[0].save(stream, "WEBP", save_all=True, append_images=frames[1:])

    stored = uploads.reencode_picture(ContentFile(stream.getvalue(), name="walk.webp"))

    assert (stored.uploaded_as, stored.left_out) == ("walk.webp", 2)
    assert Image.open(stored).n_frames == 1
    assert uploads.reencode_picture(ContentFile(picture())).left_out == 0


@pytest.mark.filterwarnings("ignore:Corrupt EXIF", "ignore:Tag data", "ignore:Truncated")
def test_damaged_metadata_raise_only_validation_errors() -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = ROTATED_RIGHT
    good = picture(kind="JPEG", exif=exif.tobytes())
    start = good.index(b"Exif") + 6

    for place in range(start, start + 40):
        damaged = bytearray(good)
        damaged[place] ^= 0xFF
        # It is accepted or refused; no other exception may be raised.
        with suppress(ValidationError):
            uploads.reencode_picture(ContentFile(bytes(damaged)))


def test_the_hash_covers_the_whole_file_regardless_of_its_position() -> None:
    content = bytes(range(256)) * 1000
    upload = ContentFile(content)
    upload.seek(100)

    assert uploads.sha256_of(upload) == hashlib.sha256(content).hexdigest()
    assert upload.tell() == 0


@pytest.mark.parametrize("template", ["", "no place", "{prompt} and {prompt}", "{ prompt }"])
def test_a_template_must_have_the_placeholder_exactly_once(template: str) -> None:
    with refused("prompt_place", "{prompt}"):
        uploads.check_template(template)


def test_other_braces_of_a_template_are_text() -> None:
    uploads.check_template("{warm}, {prompt}, {0}")
