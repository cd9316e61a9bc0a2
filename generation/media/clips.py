"""Writes and reads clips: H.264, VP9, GIF and animated PNG, with their provenance inside.

Frames are streamed one at a time, so memory does not grow with the clip. The same frames with the
same provenance give the same bytes on the same machine.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import chain
from math import isfinite
from pathlib import Path
from typing import Any, cast

import av
from av.codec.context import Flags
from av.container import InputContainer, OutputContainer
from av.video.reformatter import Interpolation, VideoReformatter
from av.video.stream import VideoStream
from PIL import Image

from generation.media import codings
from generation.media.codings import Coding, Conversion
from generation.media.comments import read_comment
from generation.media.images import PROVENANCE_KEY
from generation.media.parameters import parameters_of

# Fixed, because x264's output depends on the number of threads.
THREADS = 2
# As in codings.SCALING: without the flags swscale makes all colours slightly darker.
SCALING = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
COMMENT = "comment"


class ClipFormat(StrEnum):
    """The file formats of clips."""

    MP4 = "mp4"
    WEBM = "webm"
    GIF = "gif"
    APNG = "apng"

    @property
    def media_type(self) -> str:
        """The media type for HTTP."""
        return _CODINGS[self].media_type

    @property
    def extension(self) -> str:
        """The file name's extension, with its dot."""
        return _CODINGS[self].extension

    @property
    def kind(self) -> str:
        """How a page shows it: a "video" with controls, or an "animation" as a picture."""
        return _CODINGS[self].kind


_CODINGS: dict[ClipFormat, Coding] = {
    ClipFormat.MP4: codings.H264_MP4,
    ClipFormat.WEBM: codings.VP9_WEBM,
    ClipFormat.GIF: codings.GIF,
    ClipFormat.APNG: codings.APNG,
}


class UnreadableClip(ValueError):
    """The file is not a clip, or it is truncated or damaged."""


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """The properties of a clip, measured by decoding all of it. Duration in seconds."""

    frames: int
    fps: float
    width: int
    height: int
    duration: float
    codec: str
    pix_fmt: str


def write_clip(
    frames: Iterable[Image.Image],
    path: Path,
    *,
    fps: float,
    clip_format: ClipFormat,
    provenance: dict[str, Any],
    on_frame: Callable[[int], None],
) -> None:
    """Encode the frames to `path`, and write no other file.

    `on_frame` is called with the number of frames that the encoder has taken, and may raise to
    stop. Raises ValueError without frames, when a frame's size differs from the first one's, or for
    an impossible `fps`; OSError when the file cannot be written. After any exception, also from
    `frames` and `on_frame`, no partial file remains. GIF's times are in hundredths of a second: its
    frames are up to half a hundredth early or late, its end up to one hundredth, and browsers slow
    it down above 50 frames a second.
    """
    coding = _CODINGS[clip_format]
    rate = exact_rate(fps, coding.fastest)
    own = json.dumps({PROVENANCE_KEY: provenance}, sort_keys=True, ensure_ascii=False)
    parameters = parameters_of(provenance)
    # Other programs look for the settings in the comment.
    tags = {PROVENANCE_KEY: own, COMMENT: parameters} if parameters else {COMMENT: own}
    try:
        _write(iter(frames), path, rate, coding, tags, on_frame)
        if coding.add_comment is not None:
            coding.add_comment(path, own)
        if coding.add_parameters is not None and parameters:
            coding.add_parameters(path, parameters)
    except BaseException:
        with suppress(OSError):  # The first exception is the one to report.
            path.unlink(missing_ok=True)
        raise


def read_frames(path: Path) -> Iterator[Image.Image]:
    """The frames in order as RGB pictures, decoded one at a time.

    Damage is not concealed as players do: raises UnreadableClip for a damaged file or one that is
    not a clip, OSError if it cannot be opened.
    """
    reformatter = VideoReformatter()
    with _opened(path) as (container, stream):
        for frame in _decoded(container, stream):
            shown = reformatter.reformat(frame, format="rgb24", interpolation=SCALING, threads=1)
            yield cast(Image.Image, shown.to_image())


def describe(path: Path) -> ClipFacts:
    """Decode the whole clip and return its properties. Raises like `read_frames`.

    The rate is the one that the file declares, unless its frames and duration contradict it.
    """
    count, first, last = 0, None, None
    with _opened(path) as (container, stream):
        codec, declared = stream.codec_context.name, stream.average_rate
        for last in _decoded(container, stream):
            first, count = first or last, count + 1
    if first is None or last is None:
        raise UnreadableClip(f"{path.name} holds no frame.")
    unit = last.time_base or Fraction(1)
    shown = last.duration * unit or (1 / declared if declared else Fraction(0))
    duration = float(((last.pts or 0) - (first.pts or 0)) * unit + shown)
    fps = float(declared or 0)
    if duration and abs(fps * duration - count) > 0.25:
        fps = count / duration
    size, pixels = (first.width, first.height), first.format.name
    return ClipFacts(count, fps, *size, duration, codec, pixels)


def read_provenance(path: Path) -> dict[str, Any]:
    """The provenance given to `write_clip`. Raises KeyError if there is none, or OSError."""
    text = read_comment(path)
    if text is None:
        with suppress(UnreadableClip), _opened(path) as (container, _):
            metadata = {name.lower(): value for name, value in container.metadata.items()}
            text = metadata.get(PROVENANCE_KEY) or metadata.get(COMMENT)
    try:
        provenance: dict[str, Any] = json.loads(text or "")[PROVENANCE_KEY]
    except (ValueError, TypeError):
        raise KeyError(PROVENANCE_KEY) from None
    return provenance


def exact_rate(fps: float, fastest: int = 240) -> Fraction:
    """The exact fraction behind rounded frames a second: 23.976 and 23.98 are 24000/1001.

    Raises ValueError unless it is above 0 and at most `fastest`.
    """
    if not isfinite(fps) or not 0 < fps <= fastest:
        raise ValueError(
            f"Such a clip has more than 0 and at most {fastest} frames a second, not {fps}."
        )
    broadcast = Fraction(round(fps * 1.001) * 1000, 1001)
    if fps != round(fps) and abs(float(broadcast) - fps) < 0.005:
        return broadcast
    return Fraction(fps).limit_denominator(1001)


def _write(
    frames: Iterator[Image.Image],
    path: Path,
    rate: Fraction,
    coding: Coding,
    tags: dict[str, str],
    on_frame: Callable[[int], None],
) -> None:
    first = next(frames, None)
    if first is None:
        raise ValueError("A clip needs at least one frame.")
    container = av.open(
        str(path), "w", format=coding.container, container_options=coding.container_options
    )
    try:
        container.metadata.update(tags)
        stream = _add_stream(container, first.size, rate, coding)
        conversion = coding.conversion(*first.size, 1 / rate)
        for count, picture in enumerate(chain([first], frames), 1):
            if picture.size != first.size:
                raise ValueError(
                    f"Frame {count} has {picture.width} x {picture.height} pixels, "
                    f"the first has {first.width} x {first.height}."
                )
            container.mux(stream.encode(_frame(picture, count - 1, rate, conversion)))
            on_frame(count)
        container.mux(stream.encode(None))
        container.close()
    except BaseException:
        with suppress(OSError, ValueError):  # Closing writes too, but the file is deleted anyway.
            container.close()
        raise


def _add_stream(
    container: OutputContainer, size: tuple[int, int], rate: Fraction, coding: Coding
) -> VideoStream:
    stream = container.add_stream(coding.codec, rate=rate, options=dict(coding.codec_options))
    stream = cast(VideoStream, stream)
    stream.width, stream.height = size
    stream.pix_fmt = coding.pixels
    context = stream.codec_context
    context.time_base = 1 / rate
    context.thread_count = THREADS
    context.flags |= Flags.bitexact
    for tag, value in coding.colour_tags.items():
        setattr(context, tag, value)
    return stream


def _frame(
    picture: Image.Image, index: int, rate: Fraction, conversion: Conversion
) -> av.VideoFrame:
    frame = av.VideoFrame.from_image(picture.convert("RGB"))
    frame.pts, frame.time_base = index, 1 / rate
    return conversion(frame)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    try:
        container = av.open(str(path), metadata_errors="replace")
    except OSError:
        raise
    except av.error.FFmpegError as problem:
        raise UnreadableClip(f"{path.name} is no clip that can be read.") from problem
    with container:
        # A stream with a codec that FFmpeg does not know has no context.
        streams = [stream for stream in container.streams.video if stream.codec_context]
        if not streams:
            raise UnreadableClip(f"{path.name} holds no pictures that can be read.")
        yield container, streams[0]


def _decoded(container: InputContainer, stream: VideoStream) -> Iterator[av.VideoFrame]:
    context, count = stream.codec_context, 0
    context.thread_count = THREADS
    context.options = {"err_detect": "crccheck+bitstream+buffer+explode"}
    try:
        for frame in container.decode(stream):
            count += 1
            yield frame
    except av.error.FFmpegError as problem:
        raise UnreadableClip(f"The clip cannot be decoded after frame {count}.") from problem
