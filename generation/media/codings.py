"""The coding of each kind of clip file: container, codec, pixels and their settings.

Every coding is reproducible: `bitexact` omits dates, versions and random identifiers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc

from generation.media.comments import add_gif_comment, add_png_text
from generation.media.parameters import KEYWORD

# Without the last two flags swscale rounds down: all colours are about two levels too dark.
SCALING = "flags=bicubic+accurate_rnd+full_chroma_int"
# FFmpeg's AVCOL_SPC_BT709, for which PyAV has no name.
BT709_MATRIX = 1
# Each frame has its own palette: a common one would need the whole clip in memory. The ordered
# dither does not move where the picture does not.
PALETTE = "stats_mode=single:reserve_transparent=0"
PALETTE_USE = "new=1:dither=bayer:bayer_scale=5"

Conversion = Callable[[av.VideoFrame], av.VideoFrame]
"""An rgb24 frame to a frame that the encoder accepts."""


def yuv_conversion(siting: str, width: int, height: int, time_base: Fraction) -> Conversion:
    """To yuv420p in BT.709's matrix and limited range, as the file's tags declare.

    `siting` is the position at which players expect the colour samples: "left" for H.264, "center"
    for VP9. The wrong one shifts all colours by half a pixel against the lines.
    """
    graph, source = _graph(width, height, time_base)
    scale = graph.add(
        "scale", f"{SCALING}:out_color_matrix=bt709:out_range=tv:out_chroma_loc={siting}"
    )
    pixels, sink = graph.add("format", "pix_fmts=yuv420p"), graph.add("buffersink")
    source.link_to(scale)
    scale.link_to(pixels)
    pixels.link_to(sink)
    return _run(graph)


def palette_conversion(width: int, height: int, time_base: Fraction) -> Conversion:
    """To pal8, with the best 256 colours for each frame."""
    graph, source = _graph(width, height, time_base)
    split, palette = graph.add("split"), graph.add("palettegen", PALETTE)
    use, sink = graph.add("paletteuse", PALETTE_USE), graph.add("buffersink")
    source.link_to(split)
    split.link_to(palette, 0)
    split.link_to(use, 1, 0)
    palette.link_to(use, 0, 1)
    use.link_to(sink)
    return _run(graph)


def no_conversion(width: int, height: int, time_base: Fraction) -> Conversion:
    """For encoders that accept rgb24."""
    return lambda frame: frame


def _graph(width: int, height: int, time_base: Fraction) -> tuple[Graph, FilterContext]:
    graph = Graph()
    graph.threads = 1
    pixels = av.VideoFormat("rgb24")
    return graph, graph.add_buffer(width=width, height=height, format=pixels, time_base=time_base)


def _run(graph: Graph) -> Conversion:
    """These filters do not delay frames: each frame that goes in comes out at once."""
    graph.configure()

    def convert(frame: av.VideoFrame) -> av.VideoFrame:
        graph.vpush(frame)
        return graph.vpull()

    return convert


@dataclass(frozen=True, slots=True)
class Coding:
    """The coding of one clip format.

    `add_comment` is for muxers that write no metadata, and `add_parameters` for formats that hold
    another text beside it; `fastest` is the highest rate in frames a second.
    """

    media_type: str
    extension: str
    kind: str
    container: str
    container_options: dict[str, str]
    codec: str
    codec_options: dict[str, str]
    pixels: str
    conversion: Callable[[int, int, Fraction], Conversion]
    add_comment: Callable[[Path, str], None] | None = None
    add_parameters: Callable[[Path, str], None] | None = None
    colour_tags: dict[str, int] = field(default_factory=dict)
    fastest: int = 240


BT709 = {
    "color_primaries": ColorPrimaries.BT709,
    "color_trc": ColorTrc.BT709,
    "colorspace": BT709_MATRIX,
    "color_range": ColorRange.MPEG,
}

# CRF 16 is slightly finer than the 17 or 18 at which x264's authors see no difference. The index
# precedes the pictures, so that a browser can play and seek at once.
H264_MP4 = Coding(
    media_type="video/mp4",
    extension=".mp4",
    kind="video",
    container="mp4",
    container_options={"movflags": "+faststart+use_metadata_tags", "fflags": "+bitexact"},
    codec="libx264",
    codec_options={"crf": "16", "preset": "medium"},
    pixels="yuv420p",
    conversion=partial(yuv_conversion, "left"),
    colour_tags=BT709,
)

# A rate of 0 makes CRF the only target: constant quality.
VP9_WEBM = Coding(
    media_type="video/webm",
    extension=".webm",
    kind="video",
    container="webm",
    container_options={"fflags": "+bitexact"},
    codec="libvpx-vp9",
    codec_options={"crf": "20", "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"},
    pixels="yuv420p",
    conversion=partial(yuv_conversion, "center"),
    colour_tags=BT709,
)

GIF = Coding(
    media_type="image/gif",
    extension=".gif",
    kind="animation",
    container="gif",
    container_options={"loop": "0", "fflags": "+bitexact"},
    codec="gif",
    codec_options={},
    pixels="pal8",
    conversion=palette_conversion,
    add_comment=add_gif_comment,
    fastest=100,
)

# Lossless. The extension is .png because servers and browsers know it; players that know only PNG
# show the first frame.
APNG = Coding(
    media_type="image/apng",
    extension=".png",
    kind="animation",
    container="apng",
    container_options={"plays": "0", "fflags": "+bitexact"},
    codec="apng",
    codec_options={"pred": "mixed"},
    pixels="rgb24",
    conversion=no_conversion,
    add_comment=add_png_text,
    add_parameters=partial(add_png_text, keyword=KEYWORD),
)
