"""Computes frames between two frames by optical flow: the classical method, without any weights.

The flow is Farnebäck's (2003, "Two-Frame Motion Estimation Based on Polynomial Expansion"), in both
directions. Local contrast is normalised first, because flat colours between thin lines otherwise
give the flow too little structure. Each frame is then moved to the requested time. Where one frame
does not show a place (because something still covers it), the other frame is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

FLOW_SIDE = 256
"""The flow is computed on pictures whose shorter side is at most this. Larger pictures have larger
motions and smoother colours: at full size the results were worse, and slower."""
CONTRAST_RADIUS, CONTRAST_FLOOR, CONTRAST = 12, 4.0, 40.0
"""The radius in pixels over which contrast is normalised, the grey levels below which contrast is
noise, and the standard deviation of the result in grey levels."""
ROUNDS = 3
"""Iterations that compute a flow at another time; more changed nothing."""
OFF_LEVELS, OFF_RADIUS, OFF_SHARE = 24.0, 4, 0.2
"""Two frames are a cut when, after the motion, more than OFF_SHARE of the pixels are in places that
differ by more than OFF_LEVELS grey levels of 255 on average. Drawn figures that move by a tenth of
the picture stay below 0.17; other figures in other places are above 0.25."""
COVER_FLOOR = 0.02
"""The least weight of a frame where it shows nothing, so that the weights never vanish."""
DIFFERING = (20.0, 40.0)
"""Grey levels up to which moved frames are mixed, and from which only one of them is shown."""
CLEAR = 0.3
"""If a share is further than this from one half, it decides which frame is shown; otherwise the
time decides."""

Array = NDArray[np.float32]
"""Pictures (H, W, 3) of 0 to 255; maps (H, W); flows (H, W, 2) in pixels: x, y."""


@dataclass(frozen=True, slots=True)
class _Motion:
    """Two frames at the size at which motion is computed, and the flows between them."""

    before: Array
    after: Array
    forward: Array
    backward: Array

    @classmethod
    def of(cls, before: Array, after: Array) -> _Motion:
        small_before, small_after = _small(before), _small(after)
        forward = _flow(small_before, small_after)
        return cls(small_before, small_after, forward, _flow(small_after, small_before))

    def is_cut(self) -> bool:
        """True when neither frame is a moved version of the other."""
        off = _off_share(self.before, self.after, self.forward)
        return (off + _off_share(self.after, self.before, self.backward)) / 2 > OFF_SHARE

    def at(self, time: float) -> tuple[Array, Array, Array]:
        """At `time`: the displacement of each place to either frame, and the share of `after`."""
        to_before = -time * _flow_at(self.forward, time)
        to_after = (time - 1) * _flow_at(self.backward, 1 - time)
        weight_before = (1 - time) * (COVER_FLOOR + _cover(self.forward, time))
        weight_after = time * (COVER_FLOOR + _cover(self.backward, 1 - time))
        share = weight_after / (weight_before + weight_after)
        differing = np.abs(_moved(self.before, to_before) - _moved(self.after, to_after))
        return to_before, to_after, _decided(_array(share), differing.mean(axis=2), time)


def in_betweens(
    first: Image.Image, second: Image.Image, times: Sequence[float]
) -> list[Image.Image] | None:
    """A picture for each time (0 is `first`, 1 is `second`), or None when the frames are a cut."""
    before, after = _pixels(first), _pixels(second)
    motion = _Motion.of(before, after)
    if motion.is_cut():
        return None
    return [_between(before, after, *motion.at(time)) for time in times]


def _between(
    before: Array, after: Array, to_before: Array, to_after: Array, share: Array
) -> Image.Image:
    """Both frames moved and mixed at full size."""
    size = (before.shape[1], before.shape[0])
    moved_before = _moved(before, _enlarged(to_before, size))
    moved_after = _moved(after, _enlarged(to_after, size))
    mixed = moved_before + cv2.resize(share, size)[..., None] * (moved_after - moved_before)
    return Image.fromarray(np.rint(mixed).clip(0, 255).astype(np.uint8))


def _decided(share: Array, differing: Array, time: float) -> Array:
    """The share of `after`, forced to 0 or 1 where the moved frames still differ.

    So an eye that is open and then shut is shown open or shut, not as a blend of both.
    """
    agreed, differ = DIFFERING
    off = cv2.GaussianBlur(differing, (0, 0), OFF_RADIUS)
    decided = ((off - agreed) / (differ - agreed)).clip(0, 1)
    shown = np.where(np.abs(share - 0.5) > CLEAR, share > 0.5, time > 0.5)
    return _array(share + decided * (shown - share))


def _pixels(picture: Image.Image) -> Array:
    return np.asarray(picture.convert("RGB"), dtype=np.float32)


def _small(picture: Array) -> Array:
    height, width = picture.shape[:2]
    scale = FLOW_SIDE / min(height, width)
    if scale >= 1:
        return picture
    size = (round(width * scale), round(height * scale))
    return _array(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def _flow(source: Array, target: Array) -> Array:
    """The displacement of each pixel of `source` in `target`."""
    return _array(
        cv2.calcOpticalFlowFarneback(
            _even_contrast(source),
            _even_contrast(target),
            np.zeros((*source.shape[:2], 2), np.float32),
            pyr_scale=0.5,
            levels=5,
            winsize=31,
            iterations=3,
            poly_n=7,
            poly_sigma=1.5,
            flags=cv2.OPTFLOW_FARNEBACK_GAUSSIAN,
        )
    )


def _even_contrast(picture: Array) -> NDArray[np.uint8]:
    """Grey values around 128, each divided by the deviation in its neighbourhood."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    centred = grey - cv2.GaussianBlur(grey, (0, 0), CONTRAST_RADIUS)
    deviation = np.sqrt(cv2.GaussianBlur(centred**2, (0, 0), CONTRAST_RADIUS))
    even = 128 + CONTRAST * centred / (deviation + CONTRAST_FLOOR)
    return even.clip(0, 255).astype(np.uint8)


def _off_share(source: Array, target: Array, flow: Array) -> float:
    """The share of `source` that `target` does not show at the place that the flow gives."""
    difference = np.abs(source - _moved(target, flow)).mean(axis=2)
    side = 2 * OFF_RADIUS + 1
    return float((cv2.blur(difference, (side, side)) > OFF_LEVELS).mean())


def _flow_at(flow: Array, time: float) -> Array:
    """The flow at each place at `time`: solves u(p) = flow(p - time u(p)) by iteration."""
    moving = flow
    for _ in range(ROUNDS):
        moving = _moved(flow, -time * moving, cv2.INTER_LINEAR)
    return moving


def _cover(flow: Array, time: float) -> Array:
    """How much of each pixel (0 to 1) is covered by the frame that moves along `flow`.

    Every pixel is moved to its place at `time` and distributed over the four pixels around it.
    """
    height, width = flow.shape[:2]
    places = _grid(height, width) + time * flow
    corner = np.floor(places)
    rest = places - corner
    covered = np.zeros(height * width)
    for right in (0, 1):
        for down in (0, 1):
            x, y = (corner + np.array([right, down])).astype(int).transpose(2, 0, 1)
            part = np.abs(1 - right - rest[..., 0]) * np.abs(1 - down - rest[..., 1])
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            index = (y * width + x)[inside]
            covered += np.bincount(index, part[inside], height * width)
    # Where motion stretches a frame, its pixels land apart, which is not a hole.
    smooth = cv2.blur(covered.reshape(height, width), (3, 3))
    return smooth.clip(0, 1).astype(np.float32)


def _enlarged(flow: Array, size: tuple[int, int]) -> Array:
    """A flow scaled to a larger picture's pixels; `size` is (width, height)."""
    height, width = flow.shape[:2]
    scale = np.array([size[0] / width, size[1] / height], np.float32)
    return _array(cv2.resize(flow, size, interpolation=cv2.INTER_LINEAR)) * scale


def _moved(values: Array, flow: Array, interpolation: int = cv2.INTER_CUBIC) -> Array:
    """For each place the value at the place plus `flow`; the edge is repeated outside."""
    places = _grid(*flow.shape[:2]) + flow
    border = cv2.BORDER_REPLICATE
    return _array(
        cv2.remap(values, places[..., 0], places[..., 1], interpolation, borderMode=border)
    )


def _grid(height: int, width: int) -> Array:
    """The coordinates (x, y) of every pixel."""
    rows, columns = np.indices((height, width), np.float32)
    return np.stack([columns, rows], axis=2)


def _array(values: object) -> Array:
    """Narrow the type: OpenCV's results are float32 wherever its input is."""
    return np.asarray(values, np.float32)
