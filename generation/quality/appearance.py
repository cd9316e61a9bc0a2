"""What a picture looks like whoever stands where in it: its colours and its coarse layout."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# Looked at from afar, where noise and texture are gone.
COLOUR_PIXELS = 64
LAYOUT_CELLS = 16
# Bins of L*, a* and b*. Few for L*: light changes more easily than what it falls on.
BINS = np.array((4, 10, 10))
LOWEST, HIGHEST = np.array((0.0, -100.0, -100.0)), np.array((100.0, 100.0, 100.0))
# A cell may have moved by one, which is a sixteenth of the side.
REACH = 1
# The distance in CIE L*a*b* at which a cell is nearly two thirds another one.
CELL_DISTANCE = 40.0


@dataclass(frozen=True, slots=True)
class Appearance:
    """`colours`: shares that add up to 1. `layout`: (16, 16, 3), mean L*a*b* of each cell."""

    colours: Floats
    layout: Floats


def appearance(picture: Floats) -> Appearance:
    """Of a picture (H, W, 3) in 0..1."""
    return Appearance(_histogram(_lab(picture, COLOUR_PIXELS)), _lab(picture, LAYOUT_CELLS))


def appearance_distance(first: Appearance, second: Appearance) -> float:
    """0 for the same appearance to 1 for nothing in common.

    One minus what both the colours and the layout share, multiplied.
    """
    shared = 1.0 - _colour_distance(first.colours, second.colours)
    return 1.0 - shared * (1.0 - _layout_distance(first.layout, second.layout))


def _colour_distance(first: Floats, second: Floats) -> float:
    """Hellinger's distance, the square root of one minus Bhattacharyya's coefficient."""
    return float(np.sqrt(max(0.0, 1.0 - float(np.sqrt(first * second).sum()))))


def _layout_distance(first: Floats, second: Floats) -> float:
    """How foreign the second's cells are: each against the most alike of its nine places."""
    around = np.pad(first, ((REACH, REACH), (REACH, REACH), (0, 0)), mode="edge")
    rows, columns = second.shape[:2]
    nearest = np.full((rows, columns), np.inf)
    for down, right in product(range(2 * REACH + 1), repeat=2):
        cells = around[down : down + rows, right : right + columns]
        nearest = np.minimum(nearest, np.linalg.norm(cells - second, axis=2))
    return float(np.mean(1.0 - np.exp(-nearest / CELL_DISTANCE)))


def _lab(picture: Floats, pixels: int) -> Floats:
    small = cv2.resize(picture, (pixels, pixels), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2LAB), dtype=np.float32)


def _histogram(lab: Floats) -> Floats:
    """Each pixel is shared among the eight bins around it, so that no small change moves it far."""
    places = (lab.reshape(-1, 3) - LOWEST) / (HIGHEST - LOWEST) * (BINS - 1)
    places = np.clip(places, 0, BINS - 1)
    low = np.minimum(places.astype(int), BINS - 2)
    above = places - low
    found = np.zeros(int(BINS.prod()))
    for corner in product((0, 1), repeat=3):
        share = np.where(corner, above, 1 - above).prod(axis=1)
        bins = np.ravel_multi_index(tuple((low + corner).T), tuple(BINS))
        found += np.bincount(bins, weights=share, minlength=len(found))
    return (found / found.sum()).astype(np.float32)
