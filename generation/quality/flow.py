"""The difference between two frames after the motion between them is removed."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# Farneback, "Two-Frame Motion Estimation Based on Polynomial Expansion" (SCIA 2003): scale between
# pyramid levels, levels, averaging window, iterations, neighbourhood and its smoothing.
FARNEBACK = (0.5, 3, 13, 2, 5, 1.1, 0)

# Sundaram, Brox and Keutzer, "Dense Point Trajectories by GPU-accelerated Large Displacement
# Optical Flow" (ECCV 2010), equation 5: tolerance between the forward and the backward flow.
RELATIVE_TOLERANCE, TOLERANCE = 0.01, 0.5
# When less than this share is visible in both frames, it is a cut: then all pixels are compared.
LEAST_VISIBLE = 0.5
# The number of regions along each side in which brightness is compared.
REGIONS = 16


@dataclass(frozen=True, slots=True)
class Difference:
    """The next frame, moved back onto this one, minus this one.

    `colours` is (H, W, 3) in -1..1; `visible` (H, W) is 1 where both frames show the same point
    and 0 where it is covered, uncovered or outside.
    """

    colours: Floats
    visible: Floats

    @property
    def error(self) -> float:
        """Mean absolute difference of the visible pixels, 0 to 1."""
        return _mean(np.abs(self.colours).mean(axis=2), self.visible)

    @property
    def brightness_change(self) -> float:
        """Mean absolute change of the regions' mean brightness, 0 to 1.

        An outline that was moved back inexactly is too light on one side and too dark on the
        other. In the mean of its region these cancel out, but a change of light does not.
        """
        luma = cv2.cvtColor(self.colours, cv2.COLOR_RGB2GRAY)
        shares = _regions(self.visible)
        changes = _regions(luma * self.visible) / np.maximum(shares, 1e-3)
        return _mean(np.abs(changes), shares)


def warped_difference(now: Floats, following: Floats) -> Difference:
    """Compare two neighbouring frames, (H, W, 3) in 0..1, along their optical flow."""
    grey, grey_following = _grey(now), _grey(following)
    height, width = grey.shape
    forward = _flow(grey, grey_following)
    target = forward + np.dstack(np.meshgrid(np.arange(width), np.arange(height)))
    target = target.astype(np.float32)
    back = _sampled(_flow(grey_following, grey), target)
    inside = ((target >= 0) & (target <= (width - 1, height - 1))).all(axis=2)
    visible = inside & _returns(forward, back)
    if visible.mean() < LEAST_VISIBLE:
        visible[:] = True
    return Difference(_sampled(following, target) - now, visible.astype(np.float32))


def _grey(picture: Floats) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) * 255, dtype=np.uint8)


def _flow(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Floats:
    """(H, W, 2): the displacement of each pixel of the first in the second, right and down."""
    start = np.zeros((*first.shape, 2), np.float32)
    return np.asarray(
        cv2.calcOpticalFlowFarneback(first, second, start, *FARNEBACK), dtype=np.float32
    )


def _sampled(picture: Floats, places: Floats) -> Floats:
    """The picture's values at `places` (H, W, 2): interpolated, and outside those of the edge."""
    values = cv2.remap(
        picture,
        places[..., 0],
        places[..., 1],
        interpolation=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return np.asarray(values, dtype=np.float32)


def _returns(forward: Floats, back: Floats) -> NDArray[np.bool_]:
    """Where the flow there and back ends near its start; it does not for covered points."""
    astray = np.square(forward + back).sum(axis=2)
    travelled = np.square(forward).sum(axis=2) + np.square(back).sum(axis=2)
    return np.asarray(astray <= RELATIVE_TOLERANCE * travelled + TOLERANCE)


def _regions(values: Floats) -> Floats:
    size = (min(REGIONS, values.shape[1]), min(REGIONS, values.shape[0]))
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), dtype=np.float32)


def _mean(values: Floats, weights: Floats) -> float:
    return float((values * weights).sum() / weights.sum())
