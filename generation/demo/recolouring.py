"""The picture styles: how each style's word recolours a drawn portrait."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


def apply_picture_style(picture: Picture, style: str) -> Picture:
    """Recolour a picture of shape (height, width, 3) in the named picture style."""
    colours = picture.astype(np.float32) / 255
    grey = (colours @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]
    if style == "pastel":
        colours = 0.5 + 0.5 * (0.25 * grey + 0.75 * colours)
    elif style == "sepia":
        # A smooth ramp from dark brown over tan to cream.
        colours = np.concatenate(
            [0.16 + 0.84 * grey**0.8, 0.10 + 0.82 * grey, 0.06 + 0.66 * grey**1.15], axis=-1
        )
    elif style == "noir":
        colours = np.repeat(np.clip(0.5 + 1.45 * (grey - 0.55), 0, 1), 3, axis=-1)
    elif style == "ink":
        # A wash: pale, half grey colours on cream paper; the lines are drawn thicker and black.
        washed = 0.55 * grey + 0.45 * colours
        paper = np.array([0.99, 0.965, 0.90], np.float32)
        colours = washed * paper * 0.72 + 0.28 * paper * np.clip(washed * 3, 0, 1)
    return np.round(np.clip(colours, 0, 1) * 255).astype(np.uint8)
