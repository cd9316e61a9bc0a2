"""Detection of blinking, talking and head motion."""

from dataclasses import replace

import numpy as np
import pytest

from generation.demo.drawn_clips import clip_poses, labelled_clip
from generation.demo.portraits import EXPRESSIONS, Pose, seeded_source

pytest.importorskip("skia", reason="drawing needs the extra 'train'")

from generation.demo.drawn_clips import draw_clip
from generation.demo.faces import can_blink, liveliness


def test_a_still_face_has_no_motion() -> None:
    portrait, _ = labelled_clip(1)

    seen = liveliness(draw_clip(portrait, [Pose()] * 4, 128), portrait)

    assert (seen.blinks, seen.talks) == (False, False)
    assert seen.head_range == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("accessory", ["glasses", "none"])
def test_head_motion_is_not_detected_as_blinking_or_talking(seed: int, accessory: str) -> None:
    portrait = replace(labelled_clip(seed)[0], accessory=accessory)
    poses = [replace(pose, blink=0, mouth=1, talk=0) for pose in labelled_clip(seed)[1]]

    seen = liveliness(draw_clip(portrait, poses, 128), portrait)

    assert (seen.blinks, seen.talks) == (False, False)
    assert seen.head_range > 1


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_talking_and_blinking_are_detected_for_every_expression_with_open_eyes(
    expression: str,
) -> None:
    portrait = replace(labelled_clip(7)[0], expression=expression)
    talking = [Pose(mouth=0.8 + 0.6 * wave, talk=max(0, wave)) for wave in (-1.0, 0.0, 1.0)]

    assert liveliness(draw_clip(portrait, talking, 128), portrait).talks
    winks = draw_clip(portrait, [Pose(), Pose(blink=1)], 128)
    assert liveliness(winks, portrait).blinks == can_blink(portrait)


def test_most_drawn_clips_are_lively() -> None:
    source = seeded_source(5)
    seen = []
    for seed in range(20):
        portrait = replace(labelled_clip(seed)[0], expression="neutral")
        poses = clip_poses(24, source)
        seen.append(liveliness(draw_clip(portrait, poses, 64), portrait))

    assert all(one.blinks for one in seen)
    assert np.mean([one.talks for one in seen]) > 0.5
