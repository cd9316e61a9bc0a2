"""Motion of the demo model's characters."""

from itertools import islice, pairwise

import numpy as np
import pytest

from generation.demo.drawn_clips import (
    PERIODS,
    WINDOW,
    clip_poses,
    draw_clip,
    labelled_clip,
    training_clips,
)
from generation.demo.portraits import PLAIN_STYLE, Pose, seeded_source


def test_the_same_seed_gives_the_same_clip() -> None:
    assert labelled_clip(5) == labelled_clip(5)
    assert labelled_clip(5) != labelled_clip(6)
    assert labelled_clip(5, 24)[0].picture_style == PLAIN_STYLE
    assert [len(poses) for _, poses in islice(training_clips(1, 24), 3)] == [24, 24, 24]


@pytest.mark.parametrize("period", PERIODS)
def test_a_clip_of_whole_periods_loops(period: int) -> None:
    for seed in range(20):
        poses = clip_poses(2 * period, seeded_source(seed), (period,))
        for once, again in zip(poses[:period], poses[period:], strict=True):
            assert vars(once) == pytest.approx(vars(again), abs=1e-9)


def test_poses_stay_in_the_trained_range_and_change_smoothly() -> None:
    source = seeded_source(3)
    for _ in range(200):
        poses = clip_poses(48, source)
        for pose in poses:
            assert abs(pose.tilt) <= 4
            assert abs(pose.shift) <= 3
            assert abs(pose.sway) <= 4
            assert 0.2 <= pose.mouth <= 1.4
        for before, after in pairwise(poses):
            assert abs(after.tilt - before.tilt) <= 1.6
            assert abs(after.shift - before.shift) <= 1.2


def test_eyes_blink_and_some_mouths_talk() -> None:
    source = seeded_source(4)
    clips = [clip_poses(48, source) for _ in range(200)]
    shut = [sum(pose.blink for pose in poses) for poses in clips]
    assert min(shut) >= 6
    assert max(shut) <= 12
    talking = sum(len({pose.mouth for pose in poses}) > 1 for poses in clips) / len(clips)
    assert 0.6 < talking < 0.9


def test_motions_are_equally_distributed_over_a_window() -> None:
    source = seeded_source(8)
    clips = [clip_poses(WINDOW, source) for _ in range(2000)]
    for place in (0, 7, 15):
        assert abs(np.mean([poses[place].tilt for poses in clips])) < 0.15
        assert np.mean([poses[place].blink for poses in clips]) == pytest.approx(0.18, abs=0.04)


def test_only_the_figure_moves() -> None:
    pytest.importorskip("skia", reason="drawing needs the extra 'train'")
    portrait, poses = labelled_clip(2)
    frames = np.stack(draw_clip(portrait, poses, 64)).astype(int)
    assert frames.shape == (WINDOW, 64, 64, 3)
    assert np.ptp(frames[:, :4], axis=0).max() == 0
    assert np.ptp(frames[:, 20:], axis=0).max() > 50
    still = np.stack(draw_clip(portrait, [Pose()] * 2, 64))
    assert (still[0] == still[1]).all()
