"""The difference after motion is removed, and the pixels that are not compared."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from generation.quality.flow import warped_difference

Floats = NDArray[np.float32]


def texture(seed: int = 3) -> Floats:
    """Soft blobs, 160 x 160, with enough structure for the flow."""
    source = np.random.default_rng(seed)
    coarse = source.random((20, 20, 3))
    return np.kron(coarse, np.ones((8, 8, 1))).astype(np.float32)


def blurred(seed: int) -> Floats:
    """Large soft clouds, 256 x 256, in which the flow is wrong."""
    coarse = np.random.default_rng(seed).random((16, 16, 3)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (256, 256), interpolation=cv2.INTER_CUBIC)).clip(0, 1)


def with_square(left: int) -> Floats:
    picture = texture().copy()
    picture[60:100, left : left + 40] = texture(8)[60:100, 0:40]
    return picture


def test_a_shift_leaves_only_its_edge() -> None:
    found = warped_difference(texture(), np.roll(texture(), 4, axis=1))

    assert found.error < 0.01
    assert found.brightness_change < 0.005
    assert found.visible[:, -4:].max() == 0, "what left the picture is not compared"
    assert found.visible[:, :150].mean() > 0.9


def test_covered_and_uncovered_pixels_are_not_compared() -> None:
    found = warped_difference(with_square(40), with_square(48))

    assert found.visible[62:98, 81:88].mean() < 0.7, "the ground ahead of the square is covered"
    assert found.visible[:40].mean() > 0.95, "the ground elsewhere is compared"
    assert found.error < np.abs(with_square(40) - with_square(48)).mean() / 2


def test_a_change_of_brightness_has_its_size() -> None:
    found = warped_difference(texture() * 0.8, texture() * 0.8 + 0.1)

    assert found.error == pytest.approx(0.1, abs=0.01)
    assert found.brightness_change == pytest.approx(0.1, abs=0.01)


def test_pictures_with_nothing_in_common_are_compared_everywhere() -> None:
    first, second = (blurred(seed) for seed in (3, 4))

    found = warped_difference(first, second)

    assert found.visible.min() == 1
    assert found.error > 0.1
