"""More frames for a clip: in-betweens that follow the motion from one frame to the next.

A new method is a module with a function like `Method` and a line in INTERPOLATORS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import islice

from PIL import Image

FACTORS = (2, 4)

Method = Callable[[Image.Image, Image.Image, Sequence[float]], list[Image.Image] | None]
"""Two frames and the times between them (0 to 1) to a picture for each time, or None when no
motion leads from one to the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpolator:
    """A method with its name for people; `path` is `module:function`, imported when it is used."""

    label: str
    kind: str
    path: str

    def method(self) -> Method:
        """The function itself."""
        module, _, name = self.path.partition(":")
        found: Method = getattr(import_module(module), name)
        return found


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
    """How many frames `interpolate` makes of so many."""
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
    """`factor` times as many frames, one after another; a looping clip leads back to its first.

    The frames themselves come out unchanged, each followed by `factor` - 1 in-betweens. Where two
    neighbours are a cut, each is held for its half instead. At most three frames and one gap's
    in-betweens are held. The first `start` frames are left out, and not made. Raises KeyError for
    an unknown name, ValueError for another factor and, when it gets there, for frames of different
    sizes.
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
    """Which of one stretch's frames are wanted; of none nothing is asked for, and nothing made."""
    return (start, factor) if start < factor else (0, 0)


def _stretch(
    before: Image.Image, after: Image.Image, factor: int, method: Method
) -> Iterator[Image.Image]:
    """A frame and the in-betweens that follow it."""
    yield before
    yield from _gap(before, after, factor, method)


def _gap(before: Image.Image, after: Image.Image, factor: int, method: Method) -> list[Image.Image]:
    """The in-betweens of two neighbours; the nearer one held where they are a cut."""
    if before.size != after.size:
        raise ValueError(f"frames of {before.size} and {after.size} pixels are no one clip")
    times = [part / factor for part in range(1, factor)]
    held = [before if time <= 0.5 else after for time in times]
    # Animation on twos shows each drawing twice: that is no motion.
    if before.tobytes() == after.tobytes():
        return held
    return method(before, after, times) or held
