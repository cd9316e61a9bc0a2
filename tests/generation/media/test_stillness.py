"""Black and frozen frames, and the words that explain them."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("skia", reason="drawing needs the extra 'train'")

from generation.errors import OutputBroken
from generation.media.stillness import check_frames, is_black
from tests.generation.moving import ANNA, moving

PROMPT = "1girl, long black hair, dark blue eyes, smiling"


def check(frames: list[Image.Image], prompt: str = PROMPT, fps: float = 12) -> None:
    check_frames(frames, fps=fps, prompt=prompt)


def still(count: int, number: int = 0) -> list[Image.Image]:
    return [moving(count=number + 1)[number]] * count


def grained(frames: list[Image.Image], strength: float) -> list[Image.Image]:
    source = np.random.default_rng(2)
    noisy = [np.asarray(frame) + source.normal(0, strength, (128, 128, 3)) for frame in frames]
    return [Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)) for pixels in noisy]


@pytest.mark.parametrize("strength", [1.0, 0.3, 0.1])
@pytest.mark.parametrize("size", [128, 512])
def test_gentle_motion_passes(strength: float, size: int) -> None:
    """At a tenth, the head shifts by 0.15 of 128 pixels in half a second."""
    check(moving(count=24, size=size, strength=strength))


def test_drawings_held_for_two_to_four_frames_pass() -> None:
    frames = moving(count=8)

    for held in (2, 3, 4):
        check([frame for frame in frames for _ in range(held)], fps=24)


def test_a_pause_within_motion_passes() -> None:
    frames = moving(count=16)

    check([*frames[:8], *[frames[8]] * 8, *frames[8:]])


@pytest.mark.parametrize("count", [3, 4, 12, 48])
def test_a_frozen_clip_does_not_pass(count: int) -> None:
    with pytest.raises(OutputBroken, match=f"from frame 1 to frame {count} of {count}"):
        check(still(count))


def test_a_frozen_clip_with_the_noise_of_rounding_does_not_pass() -> None:
    with pytest.raises(OutputBroken, match="stands still"):
        check(grained(still(24), strength=0.6))


def test_a_clip_that_freezes_for_more_than_a_second_does_not_pass() -> None:
    frames = moving(count=24)

    with pytest.raises(OutputBroken, match="from frame 9 to frame 21 of 36"):
        check([*frames[:8], *[frames[8]] * 13, *frames[9:]])


def test_a_clip_that_is_frozen_for_most_of_its_time_does_not_pass() -> None:
    """Eight of 14 frames at 24 a second: only a third of a second, but more than half."""
    frames = moving(count=6)

    with pytest.raises(OutputBroken, match="from frame 6 to frame 14 of 14"):
        check([*frames, *[frames[-1]] * 8], fps=24)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_picture_or_two_cannot_be_frozen(count: int) -> None:
    check(still(count))


@pytest.mark.parametrize(
    "word",
    ["still", "static shot", "Frozen", "freeze frame", "motionless", "old photograph", "paused",
     "a statue", "no movement"],
)  # fmt: skip
def test_words_that_explain_a_still_clip(word: str) -> None:
    check(still(24), prompt=f"1girl, {word}, smiling")


@pytest.mark.parametrize("word", ["statuesque", "instilled", "distillery"])
def test_words_that_only_resemble_them_explain_nothing(word: str) -> None:
    with pytest.raises(OutputBroken, match="stands still"):
        check(still(24), prompt=f"1girl, {word}")


def test_a_black_frame_is_reported_with_its_number() -> None:
    frames = moving()
    frames[4] = Image.new("RGB", (128, 128), (3, 2, 5))

    with pytest.raises(OutputBroken, match="Frame 5 is black"):
        check(frames)


@pytest.mark.parametrize(
    "prompt",
    ["fade to black", "black", "a black screen, 1girl", "dark", "in a dark alley", "dark, moody",
     "night", "city at night, 1girl", "silhouette", "blackout", "floating in the void", "darkness"],
)  # fmt: skip
def test_words_that_explain_black_frames(prompt: str) -> None:
    frames = moving()

    check([*frames, Image.new("RGB", (128, 128))], prompt=prompt)


@pytest.mark.parametrize(
    "prompt",
    ["1girl, black hair", "black dress", "dark skin", "Black cat ears, smiling", "knight", ""],
)
def test_a_black_object_does_not_explain_a_black_frame(prompt: str) -> None:
    with pytest.raises(OutputBroken, match="is black"):
        check([Image.new("RGB", (128, 128))], prompt=prompt)


def test_a_night_with_a_few_stars_is_not_black() -> None:
    sky = Image.new("RGB", (128, 128), (4, 4, 9))
    assert is_black(sky)

    for place in range(10, 100, 20):
        sky.paste((220, 220, 200), (place, place, place + 3, place + 3))
    assert not is_black(sky)


def test_a_drawn_night_is_not_black() -> None:
    assert not any(is_black(frame) for frame in moving(ANNA))
