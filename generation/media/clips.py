"""Clips to files and back: H.264, VP9, GIF and animated PNG, with their provenance inside.

Frames go through one at a time, so memory does not grow with the clip. The same frames with the
same provenance give the same bytes on one machine.
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

# Fixed, because x264 decides differently with another number of threads.
THREADS = 2
# As in codings.SCALING: without the flags swscale makes everything a little darker.
SCALING = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
COMMENT = "comment"


class ClipFormat(StrEnum):
    """The files a clip can be written as."""

    MP4 = "mp4"
    WEBM = "webm"
    GIF = "gif"
    APNG = "apng"

    @property
    def media_type(self) -> str:
        """What a web server says of the file."""
        return _CODINGS[self].media_type

    @property
    def extension(self) -> str:
        """The end of the file's name, with its dot."""
        return _CODINGS[self].extension

    @property
    def kind(self) -> str:
        """How a page shows it: a "video" with controls, an "animation" as a picture."""
        return _CODINGS[self].kind


_CODINGS: dict[ClipFormat, Coding] = {
    ClipFormat.MP4: codings.H264_MP4,
    ClipFormat.WEBM: codings.VP9_WEBM,
    ClipFormat.GIF: codings.GIF,
    ClipFormat.APNG: codings.APNG,
}


class UnreadableClip(ValueError):
    """A file that holds no clip, or one that breaks off or is damaged."""


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """What a clip turns out to be when all of it is decoded. Duration in seconds."""

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
    format: ClipFormat,  # noqa: A002
    provenance: dict[str, Any],
    on_frame: Callable[[int], None],
) -> None:
    """Encode the frames to `path` and to nothing else.

    `on_frame` hears how many frames the encoder has taken and may raise to stop. Raises ValueError
    without frames, when a frame's size differs from the first one's, or for an impossible `fps`;
    OSError when the file cannot be written. Whatever is raised, also by `frames` and `on_frame`,
    no half file stays. GIF counts in hundredths of a second: its frames are up to half of one early
    or late, its end up to one, and browsers slow it down above 50 frames a second.
    """
    coding = _CODINGS[format]
    rate = exact_rate(fps, coding.fastest)
    comment = json.dumps({PROVENANCE_KEY: provenance}, sort_keys=True, ensure_ascii=False)
    try:
        _write(iter(frames), path, rate, coding, comment, on_frame)
        if coding.add_comment is not None:
            coding.add_comment(path, comment)
    except BaseException:
        with suppress(OSError):  # The first problem is the one to tell.
            path.unlink(missing_ok=True)
        raise


def read_frames(path: Path) -> Iterator[Image.Image]:
    """The frames in their order as RGB pictures, decoded one at a time.

    Damage is not concealed as players do it: raises UnreadableClip there, and where a file holds
    no clip; OSError where it cannot be opened.
    """
    reformatter = VideoReformatter()
    with _opened(path) as (container, stream):
        for frame in _decoded(container, stream):
            shown = reformatter.reformat(frame, format="rgb24", interpolation=SCALING, threads=1)
            yield cast(Image.Image, shown.to_image())


def describe(path: Path) -> ClipFacts:
    """Decode the whole clip and tell what it is. Raises as `read_frames` does.

    The rate is the one that the file declares, unless its frames and duration say another.
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
    """What `write_clip` was given. Raises KeyError where the file carries none, or OSError."""
    text = read_comment(path)
    if text is None:
        with suppress(UnreadableClip), _opened(path) as (container, _):
            said = {name.lower(): value for name, value in container.metadata.items()}
            text = said.get(COMMENT)
    try:
        found: dict[str, Any] = json.loads(text or "")[PROVENANCE_KEY]
    except (ValueError, TypeError):
        raise KeyError(PROVENANCE_KEY) from None
    return found


def exact_rate(fps: float, fastest: int = 240) -> Fraction:
    """Frames a second as the fraction that is meant: 23.976 and 23.98 are 24000/1001.

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
    comment: str,
    on_frame: Callable[[int], None],
) -> None:
    first = next(frames, None)
    if first is None:
        raise ValueError("A clip needs at least one frame.")
    container = av.open(
        str(path), "w", format=coding.container, container_options=coding.container_options
    )
    try:
        container.metadata[COMMENT] = comment
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
        with suppress(OSError, ValueError):  # Closing writes too; its file is deleted anyway.
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
        # A stream of a codec that FFmpeg does not know has no context.
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
