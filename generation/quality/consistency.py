"""Measures how consistent the frames of a clip are: flicker, jumps, and changes of the figure.

The warping error is that of Lai et al., "Learning Blind Video Temporal Consistency" (ECCV 2018),
section 4.2. A frame is compared with the next one after their optical flow has been undone, without
the pixels that only one of them shows. Theirs is a mean square; ours is a mean absolute difference,
which has the unit of the pixel values.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import exp
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generation.quality.appearance import appearance, appearance_distance
from generation.quality.flow import warped_difference

LONGER_SIDE = 256
DIGITS = 5

# A pair is a jump when its warping error exceeds the clip's median by this many robust standard
# deviations, and at least by this much: blinks and mouths change less, cuts more.
JUMP_DEVIATIONS = 8.0
JUMP_LEAST = 0.03
# A normal distribution's standard deviation is this multiple of its median absolute deviation.
NORMAL = 1.4826

# The value at which one part alone lowers the score to 100 / e.
WARP_SCALE, FLICKER_SCALE, DRIFT_SCALE = 0.08, 0.10, 0.50
# The drift of a figure that turns, blinks and speaks but stays the same.
DRIFT_ALLOWED = 0.15
JUMP_FACTOR = 0.8


@dataclass(frozen=True, slots=True)
class Consistency:
    """Measures of a clip, from 0 (none) to 1 except `jumps` and `score`.

    `warp_error` and `flicker` have one value for each pair of neighbours, `identity_drift` one for
    each frame compared with the first. `jumps` are the indices, from 0, of frames that do not
    continue the frame before.
    """

    warp_error: tuple[float, ...]
    flicker: tuple[float, ...]
    identity_drift: tuple[float, ...]

    @property
    def jumps(self) -> tuple[int, ...]:
        """Outliers of the warping error: above median + max(8 robust deviations, 0.03)."""
        if not self.warp_error:
            return ()
        errors = np.array(self.warp_error)
        median = float(np.median(errors))
        deviation = NORMAL * float(np.median(np.abs(errors - median)))
        limit = median + max(JUMP_DEVIATIONS * deviation, JUMP_LEAST)
        return tuple(int(pair) + 1 for pair in np.flatnonzero(errors > limit))

    @property
    def mean_warp_error(self) -> float:
        """The mean over all pairs; 0 for a single frame."""
        return _mean(self.warp_error)

    @property
    def mean_flicker(self) -> float:
        """The mean over all pairs; 0 for a single frame."""
        return _mean(self.flicker)

    @property
    def furthest_drift(self) -> float:
        """The drift of the frame that differs most from the first."""
        return max(self.identity_drift)

    @property
    def score(self) -> float:
        """From 100 for perfectly smooth down to 0, for sorting.

        100 x exp(-(mean warp error / 0.08 + mean flicker / 0.10 + drift / 0.50)) x 0.8 ^ jumps,
        where drift is the furthest drift minus the 0.15 that motion alone causes. The constants
        give smooth motion about 90 and more, brightness that changes by a fiftieth about 60 and by
        a twentieth about 30; every jump costs a fifth.
        """
        drift = max(0.0, self.furthest_drift - DRIFT_ALLOWED)
        parts = (
            self.mean_warp_error / WARP_SCALE,
            self.mean_flicker / FLICKER_SCALE,
            drift / DRIFT_SCALE,
        )
        return 100.0 * exp(-sum(parts)) * JUMP_FACTOR ** len(self.jumps)

    def as_json(self) -> dict[str, Any]:
        """All measures, rounded, for a JSON field."""
        return {
            "score": round(self.score, 1),
            "mean_warp_error": round(self.mean_warp_error, DIGITS),
            "mean_flicker": round(self.mean_flicker, DIGITS),
            "furthest_drift": round(self.furthest_drift, DIGITS),
            "jumps": list(self.jumps),
            "warp_error": [round(value, DIGITS) for value in self.warp_error],
            "flicker": [round(value, DIGITS) for value in self.flicker],
            "identity_drift": [round(value, DIGITS) for value in self.identity_drift],
        }


def measure(frames: Iterable[Image.Image]) -> Consistency:
    """Measure each frame once, at no more than 256 pixels; only two are in memory at a time.

    Raises ValueError without frames, or when their sizes differ.
    """
    sources = iter(frames)
    now = next(sources, None)
    if now is None:
        raise ValueError("A clip without frames has no consistency.")
    before, first_size = _shrunk(now), now.size
    first = appearance(before)
    errors, flicker, drift = [], [], [0.0]
    for picture in sources:
        if picture.size != first_size:
            raise ValueError("The frames of a clip have one size.")
        following = _shrunk(picture)
        difference = warped_difference(before, following)
        errors.append(difference.error)
        flicker.append(difference.brightness_change)
        drift.append(appearance_distance(first, appearance(following)))
        before = following
    return Consistency(tuple(errors), tuple(flicker), tuple(drift))


def _shrunk(picture: Image.Image) -> NDArray[np.float32]:
    """(H, W, 3) in 0..1, at most 256 pixels on the longer side."""
    pixels = np.asarray(picture.convert("RGB"))
    scale = LONGER_SIDE / max(picture.size)
    if scale < 1:
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    return pixels.astype(np.float32) / 255.0


def _mean(values: tuple[float, ...]) -> float:
    return sum(values) / len(values) if values else 0.0
