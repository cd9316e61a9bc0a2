"""Which frames a motion adapter sees together. Needs no torch: estimates use it too."""

from __future__ import annotations

OVERLAP_SHARE = 0.25
"""Share of a window that it has in common with the next one, at least."""

Window = list[int]
"""Frame numbers from 0, in the order in which the model sees them."""


def split(frames: int, size: int, *, loop: bool) -> list[Window]:
    """Overlapping windows over `frames` frames, evenly spread.

    A loop's windows go on over its end into its beginning, so that the last frame knows the
    first. A clip that fits one window is one, a loop of that length two.
    """
    if frames <= size and not loop:
        return [list(range(frames))]
    size = min(size, frames)
    stride = max(1, size - max(1, round(size * OVERLAP_SHARE)))
    if loop:
        count = max(2, -(-frames // stride))
        starts = [round(index * frames / count) for index in range(count)]
    else:
        count = -(-(frames - size) // stride) + 1
        starts = [round(index * (frames - size) / (count - 1)) for index in range(count)]
    return [[(start + place) % frames for place in range(size)] for start in starts]
