"""Describes a picture by its colours and its coarse layout, whatever small motion it has."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

# Small sizes remove noise and texture.
COLOUR_PIXELS = 64
LAYOUT_CELLS = 16
# Bins of L*, a* and b*. Few for L*, because light changes more often than the objects it falls on.
BINS = np.array((4, 10, 10))
LOWEST, HIGHEST = np.array((0.0, -100.0, -100.0)), np.array((100.0, 100.0, 100.0))
# A cell may move by one position, which is a sixteenth of the side.
REACH = 1
# The distance in CIE L*a*b* at which two cells count as different by almost two thirds.
CELL_DISTANCE = 40.0


@dataclass(frozen=True, slots=True)
class Appearance:
    """`colours`: shares that add up to 1. `layout`: (16, 16, 3), mean L*a*b* of each cell."""

    colours: Floats
    layout: Floats


def appearance(picture: Floats) -> Appearance:
    """The appearance of a picture (H, W, 3) in 0..1."""
    return Appearance(_histogram(_lab(picture, COLOUR_PIXELS)), _lab(picture, LAYOUT_CELLS))


def appearance_distance(first: Appearance, second: Appearance) -> float:
    """From 0 for the same appearance to 1 for nothing in common.

    It is one minus the product of the similarities of colours and layout.
    """
    similarity = 1.0 - _colour_distance(first.colours, second.colours)
    return 1.0 - similarity * (1.0 - _layout_distance(first.layout, second.layout))


def _colour_distance(first: Floats, second: Floats) -> float:
    """Hellinger distance, the square root of one minus the Bhattacharyya coefficient."""
    return float(np.sqrt(max(0.0, 1.0 - float(np.sqrt(first * second).sum()))))


def _layout_distance(first: Floats, second: Floats) -> float:
    """The mean distance of each cell of `second` to the most similar of nine cells of `first`."""
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
    """Distribute each pixel over the eight bins around it, so that small changes stay small."""
    places = (lab.reshape(-1, 3) - LOWEST) / (HIGHEST - LOWEST) * (BINS - 1)
    places = np.clip(places, 0, BINS - 1)
    low = np.minimum(places.astype(int), BINS - 2)
    above = places - low
    totals = np.zeros(int(BINS.prod()))
    for corner in product((0, 1), repeat=3):
        share = np.where(corner, above, 1 - above).prod(axis=1)
        bins = np.ravel_multi_index(tuple((low + corner).T), tuple(BINS))
        totals += np.bincount(bins, weights=share, minlength=len(totals))
    return (totals / totals.sum()).astype(np.float32)
