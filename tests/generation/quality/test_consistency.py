"""The measures detect flicker, cuts and other characters, but not motion."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

pytest.importorskip("skia", reason="drawing needs the extra 'train'")

from generation.demo.portraits import Portrait
from generation.quality.consistency import Consistency, measure
from tests.generation.moving import ANNA, BELA, brighter, moving

SMOOTH = moving(count=12, size=256)


def changing_brightness(frames: list[Image.Image], by: float) -> list[Image.Image]:
    return [brighter(frame, 1 - by * (number % 2)) for number, frame in enumerate(frames)]


def lamp(frames: list[Image.Image]) -> list[Image.Image]:
    """A round light that switches on and off in one place."""
    mask = Image.new("L", (256, 256))
    ImageDraw.Draw(mask).ellipse((20, 60, 90, 130), fill=255)
    return [
        Image.composite(brighter(frame, 0.8), frame, mask) if number % 2 else frame
        for number, frame in enumerate(frames)
    ]


def grained(frames: list[Image.Image], strength: float) -> list[Image.Image]:
    source = np.random.default_rng(2)
    noisy = [np.asarray(frame) + source.normal(0, strength, (256, 256, 3)) for frame in frames]
    return [Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)) for pixels in noisy]


def test_smooth_motion_is_consistent() -> None:
    found = measure(SMOOTH)

    assert found.mean_warp_error < 0.01
    assert found.mean_flicker < 0.004
    assert found.furthest_drift < 0.15
    assert found.jumps == ()
    assert found.score > 85


def test_there_is_a_value_for_every_pair_and_every_frame() -> None:
    found = measure(SMOOTH)

    assert (len(found.warp_error), len(found.flicker), len(found.identity_drift)) == (11, 11, 12)
    assert found.identity_drift[0] == 0.0
    assert all(0 <= value <= 1 for value in (*found.warp_error, *found.identity_drift))


def test_equal_frames_score_100() -> None:
    found = measure(SMOOTH[:1] * 4)

    assert (*found.warp_error, *found.flicker) == pytest.approx((0.0,) * 6, abs=1e-4)
    assert found.score == pytest.approx(100, abs=0.1)


def test_fast_motion_is_not_flicker() -> None:
    """Three pixels of 256 each frame, with a new piece of the picture at the edge."""
    rolled = [Image.fromarray(np.roll(np.asarray(SMOOTH[0]), 3 * n, axis=1)) for n in range(8)]

    found = measure(rolled)

    assert found.mean_warp_error < 0.002
    assert found.mean_flicker < 0.001


@pytest.mark.parametrize("by", [0.02, 0.05, 0.10])
def test_changing_brightness_is_flicker_of_its_size(by: float) -> None:
    light = float(np.mean([np.asarray(frame.convert("L")) for frame in SMOOTH])) / 255

    found = measure(changing_brightness(SMOOTH, by))

    assert found.mean_flicker == pytest.approx(by * light, rel=0.25)


def test_a_light_in_one_place_is_flicker() -> None:
    assert measure(lamp(SMOOTH)).mean_flicker > 3 * measure(SMOOTH).mean_flicker


def test_grain_is_a_warping_error_but_not_flicker() -> None:
    found = measure(grained(SMOOTH, 10))

    assert found.mean_warp_error > 5 * measure(SMOOTH).mean_warp_error
    assert found.mean_flicker < 0.008


def test_worse_clips_score_less() -> None:
    clips = [
        SMOOTH,
        changing_brightness(SMOOTH, 0.02),
        changing_brightness(SMOOTH, 0.05),
        changing_brightness(SMOOTH, 0.1),
    ]

    scores = [measure(clip).score for clip in clips]

    assert all(first > second + 10 for first, second in pairwise(scores))


@pytest.mark.parametrize("other", [BELA, replace(BELA, background=ANNA.background)])
def test_a_cut_to_another_character_jumps_and_drifts(other: Portrait) -> None:
    found = measure([*SMOOTH[:6], *moving(other, count=12, size=256)[6:]])

    assert found.jumps == (6,)
    assert max(found.identity_drift[:6]) < 0.15
    assert min(found.identity_drift[6:]) > 0.3
    assert found.score < 60


def test_one_other_frame_is_two_jumps() -> None:
    mixed = list(SMOOTH)
    mixed[4] = moving(BELA, count=5, size=256)[4]

    assert measure(mixed).jumps == (4, 5)


def test_a_slow_change_into_another_character_shows_only_in_the_drift() -> None:
    other = moving(BELA, count=12, size=256)
    changing = [Image.blend(SMOOTH[n], other[n], n / 11) for n in range(12)]

    found = measure(changing)

    assert found.jumps == ()
    assert found.identity_drift[-1] > 0.5
    assert found.score < 60


def test_light_and_grain_are_not_another_character() -> None:
    darker = [SMOOTH[0], *(brighter(frame, 0.95) for frame in SMOOTH[1:])]

    assert measure(darker).furthest_drift < 0.25
    assert measure([SMOOTH[0], *grained(SMOOTH[1:], 10)]).furthest_drift < 0.2


def test_a_single_frame_is_consistent_with_itself() -> None:
    found = measure(SMOOTH[:1])

    assert found == Consistency((), (), (0.0,))
    assert (found.score, found.jumps) == (100.0, ())


def test_a_large_clip_has_the_measures_of_a_small_one() -> None:
    small, large = measure(SMOOTH[:6]), measure(moving(count=6, size=640))

    assert large.mean_warp_error == pytest.approx(small.mean_warp_error, abs=0.003)
    assert large.furthest_drift == pytest.approx(small.furthest_drift, abs=0.03)


def test_any_shape_can_be_measured() -> None:
    for size in ((256, 104), (72, 256), (16, 8)):
        assert measure([frame.resize(size) for frame in SMOOTH[:3]]).score > 60


def test_frames_are_read_once_and_one_at_a_time() -> None:
    assert measure(frame for frame in SMOOTH) == measure(SMOOTH)


def test_invalid_clips_are_refused() -> None:
    with pytest.raises(ValueError, match="without frames"):
        measure([])
    with pytest.raises(ValueError, match="one size"):
        measure([SMOOTH[0], SMOOTH[1].resize((128, 128))])


def test_it_can_be_stored_as_json() -> None:
    found = measure([*SMOOTH[:6], *moving(BELA, count=12, size=256)[6:]])

    stored = json.loads(json.dumps(found.as_json()))

    assert stored["jumps"] == [6]
    assert stored["score"] == pytest.approx(found.score, abs=0.05)
    assert stored["warp_error"] == pytest.approx(found.warp_error, abs=1e-5)
    assert len(stored["identity_drift"]) == 12
    assert stored["mean_flicker"] == pytest.approx(found.mean_flicker, abs=1e-5)


def test_a_frame_takes_little_time() -> None:
    """Less than 30 ms on one core; the limit leaves room for a busy machine."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        before = time.process_time()
        measure(SMOOTH)
        taken = time.process_time() - before
    finally:
        cv2.setNumThreads(threads)

    assert taken / len(SMOOTH) < 0.1
