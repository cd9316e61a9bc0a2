"""Splits a clip into the windows that a motion adapter sees. Without torch: estimates use it."""

from __future__ import annotations

OVERLAP_SHARE = 0.25
"""The least overlap of a window with the next one, as a share of the window."""

Window = list[int]
"""Frame numbers from 0, in the order in which the model sees them."""


def split(frames: int, size: int, *, loop: bool) -> list[Window]:
    """Overlapping windows of `size` frames, evenly spread over `frames` frames.

    The windows of a loop continue past its end into its beginning, so that the last frame matches
    the first. A clip that fits into one window has one; a loop of that length has two.
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
    return [[(start + offset) % frames for offset in range(size)] for start in starts]
