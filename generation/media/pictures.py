"""Reads pictures that other programs made: upright, in the colours of sRGB, 8 bits a channel."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageCms, ImageOps

FORMATS = ("PNG", "JPEG", "WEBP")
"""Pillow's names of the formats that are taken."""

DEEPEST = 65535
"""White of a grey picture with 16 bits."""

MODE_OF_SPACE = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}
"""Pillow's mode of the pixels that a profile of this colour space describes."""

# A file of the ISO media format names its brand after its first box's size and "ftyp".
_BRANDS = {
    **dict.fromkeys(("avif", "avis"), "an AVIF picture"),
    **dict.fromkeys(
        ("heic", "heix", "hevc", "hevx", "heim", "heis", "mif1", "msf1"), "a HEIC picture"
    ),
    "crx ": "a raw photo",
}
_SIGNATURES = (
    (b"GIF8", "a GIF picture"),
    (b"BM", "a BMP picture"),
    (b"II*\0", "a TIFF picture"),
    (b"MM\0*", "a TIFF picture"),
    (b"II+\0", "a TIFF picture"),
    (b"MM\0+", "a TIFF picture"),
    (b"8BPS", "a Photoshop file"),
    (b"CSFCHUNK", "a Clip Studio file"),
    (b"gimp xcf", "a GIMP file"),
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL picture"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xffO\xffQ", "a JPEG 2000 picture"),
    (b"v/1\x01", "an OpenEXR picture"),
    (b"#?RADIANCE", "a Radiance picture"),
    (b"\0\0\x01\0", "an icon"),
    (b"qoif", "a QOI picture"),
    (b"DDS ", "a DDS picture"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"PK\x03\x04", "a ZIP archive"),
)
SNIFFED_BYTES = 512
"""Enough of a file's beginning for `format_named`."""


def as_srgb(picture: Image.Image) -> Image.Image:
    """An opened picture as browsers show it: turned by its EXIF, converted from its profile.

    Returns mode RGBA for a picture with transparency, which it keeps, else RGB, without the
    profile. Grey of 16 bits is scaled to 8. Raises what Pillow raises for damaged files.
    """
    turned = ImageOps.exif_transpose(picture)
    colours = _converted(_eight_bits(turned), turned.info.get("icc_profile"))
    alpha = _alpha(turned)
    if alpha is not None:
        colours.putalpha(alpha)
    colours.info.pop("icc_profile", None)
    return colours


def further_frames(picture: Image.Image) -> int:
    """The frames of an opened animation after the first; 0 for a photo with extras, too."""
    return getattr(picture, "n_frames", 1) - 1 if picture.format != "MPO" else 0


def format_named(beginning: bytes) -> str | None:
    """What a file is by its first SNIFFED_BYTES, with its article: "a HEIC picture", or None."""
    if beginning[4:8] == b"ftyp":
        return _BRANDS.get(beginning[8:12].decode("latin-1"), "a video")
    if beginning[:4] == b"RIFF" and beginning[8:12] == b"AVI ":
        return "a video"
    for signature, name in _SIGNATURES:
        if beginning.startswith(signature):
            return name
    return "an SVG drawing" if b"<svg" in beginning.lower() else None


def _eight_bits(picture: Image.Image) -> Image.Image:
    """The picture with 8 bits a channel; Pillow cuts off deeper grey at 255."""
    if not picture.mode.startswith("I"):
        return picture
    values = np.asarray(picture).astype(np.float64).clip(0, DEEPEST)
    return Image.fromarray(np.rint(values * (255 / DEEPEST)).astype(np.uint8))


def _alpha(picture: Image.Image) -> Image.Image | None:
    if not picture.has_transparency_data:
        return None
    if picture.mode.startswith("I"):
        # The one value that is transparent, which Pillow applies to 8 bits only.
        opaque = np.asarray(picture) != picture.info["transparency"]
        return Image.fromarray(np.where(opaque, 255, 0).astype(np.uint8))
    return picture.convert("RGBA").getchannel("A")


def _converted(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The colours in sRGB, mode RGB. A profile that is damaged or of other pixels is ignored."""
    if not profile:
        return picture.convert("RGB")
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = MODE_OF_SPACE[source.profile.xcolor_space.strip()]
        if (mode == "CMYK") != (picture.mode == "CMYK"):
            return picture.convert("RGB")
        found = ImageCms.profileToProfile(
            picture.convert(mode),
            source,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, KeyError):
        return picture.convert("RGB")
    return found or picture.convert("RGB")
