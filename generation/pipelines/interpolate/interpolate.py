"""Adds in-between frames to a clip that follow the motion from one frame to the next.

A new method is a module with a function like `Method` and an entry in INTERPOLATORS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pkgutil import resolve_name

from PIL import Image

FACTORS = (2, 4)

Method = Callable[[Image.Image, Image.Image, Sequence[float]], list[Image.Image] | None]
"""Two frames and the times between them (0 to 1) to a picture for each time, or to None when no
motion connects the frames."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpolator:
    """A method and its label; `path` is `module:function`, imported when it is used."""

    label: str
    kind: str
    path: str

    def method(self) -> Method:
        """Import the function."""
        method: Method = resolve_name(self.path)
        return method


INTERPOLATORS: dict[str, Interpolator] = {
    "farneback": Interpolator(
        label="Optical flow (Farnebäck)",
        kind="classical",
        path="generation.pipelines.interpolate.farneback:in_betweens",
    ),
}
"""Name to method."""

DEFAULT = "farneback"


def count(frames: int, factor: int, loop: bool) -> int:
    """The number of frames that `interpolate` makes of `frames` frames."""
    if loop or frames == 0:
        return frames * factor
    return (frames - 1) * factor + 1


def interpolate(
    frames: Iterable[Image.Image],
    factor: int,
    *,
    loop: bool,
    name: str = "farneback",
    start: int = 0,
) -> Iterator[Image.Image]:
    """Yield `factor` times as many frames; a looping clip leads back to its first frame.

    The original frames are not changed; `factor` - 1 in-betweens follow each of them. Where two
    neighbours are a cut, each is repeated for half of the gap instead. At most three frames and the
    in-betweens of one gap are in memory. The first `start` frames are skipped and not computed.
    Raises KeyError for an unknown name, ValueError for another factor, and ValueError during the
    iteration for frames of different sizes.
    """
    if factor not in FACTORS:
        raise ValueError(f"clips are made {FACTORS} times as dense, not {factor} times")
    return _stream(frames, factor, loop, INTERPOLATORS[name].method(), start)


def _stream(
    frames: Iterable[Image.Image], factor: int, loop: bool, method: Method, start: int
) -> Iterator[Image.Image]:
    rest = iter(frames)
    first = next(rest, None)
    if first is None:
        return
    last = first
    for following in rest:
        yield from islice(_stretch(last, following, factor, method), *_from(start, factor))
        last, start = following, max(0, start - factor)
    if loop:
        yield from islice(_stretch(last, first, factor, method), *_from(start, factor))
    elif not start:
        yield last


def _from(start: int, factor: int) -> tuple[int, int]:
    """The part of one stretch to yield; (0, 0) skips it without computing anything."""
    return (start, factor) if start < factor else (0, 0)


def _stretch(
    before: Image.Image, after: Image.Image, factor: int, method: Method
) -> Iterator[Image.Image]:
    """A frame and the in-betweens that follow it."""
    yield before
    yield from _gap(before, after, factor, method)


def _gap(before: Image.Image, after: Image.Image, factor: int, method: Method) -> list[Image.Image]:
    """The in-betweens of two neighbours; at a cut, repetitions of the nearer one."""
    if before.size != after.size:
        raise ValueError(f"frames of {before.size} and {after.size} pixels are no one clip")
    times = [part / factor for part in range(1, factor)]
    held = [before if time <= 0.5 else after for time in times]
    # Animation on twos shows each drawing twice: there is no motion between equal frames.
    if before.tobytes() == after.tobytes():
        return held
    return method(before, after, times) or held
