"""Another character is further away than the same character in another pose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("skia", reason="drawing needs the extra 'train'")

from generation.demo.drawing import draw
from generation.demo.portraits import (
    HAIR_COLOURS,
    Portrait,
    Pose,
    random_portrait,
    random_pose,
    seeded_source,
)
from generation.quality.appearance import Appearance, appearance, appearance_distance

SOURCE = seeded_source(11)
PORTRAITS = [random_portrait(SOURCE) for _ in range(8)]


def appearance_of(portrait: Portrait, pose: Pose | None = None) -> Appearance:
    return appearance(draw(portrait, pose, 256).astype(np.float32) / 255)


def other_hair(portrait: Portrait) -> Portrait:
    colours = list(HAIR_COLOURS)
    return replace(portrait, hair=colours[(colours.index(portrait.hair) + 3) % len(colours)])


@pytest.mark.parametrize("portrait", PORTRAITS)
def test_poses_are_near_and_other_hair_is_further(portrait: Portrait) -> None:
    standing = appearance_of(portrait)
    poses = [appearance_of(portrait, random_pose(SOURCE)) for _ in range(4)]

    furthest = max(appearance_distance(standing, pose) for pose in poses)

    assert furthest < 0.2
    assert appearance_distance(standing, appearance_of(other_hair(portrait))) > furthest


def test_other_characters_are_far() -> None:
    first, *others = [appearance_of(portrait) for portrait in PORTRAITS]

    assert min(appearance_distance(first, other) for other in others) > 0.3


def test_the_distance_is_zero_for_equal_pictures_and_positive_for_others() -> None:
    first, second = appearance_of(PORTRAITS[0]), appearance_of(PORTRAITS[1])

    assert appearance_distance(first, first) == pytest.approx(0, abs=1e-3)
    assert 0 < appearance_distance(first, second) <= 1


def test_the_distance_of_nothing_in_common_is_one() -> None:
    white, black = (appearance(np.full((64, 64, 3), shade, np.float32)) for shade in (1.0, 0.0))

    assert appearance_distance(white, black) == pytest.approx(1, abs=0.01)
