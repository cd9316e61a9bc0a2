"""In-betweens: their number, the original frames, their accuracy, and cuts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pytest
from PIL import Image

from generation.pipelines.interpolate import interpolate as interpolation
from generation.pipelines.interpolate.farneback import _cover
from generation.pipelines.interpolate.interpolate import (
    INTERPOLATORS,
    Interpolator,
    count,
    interpolate,
)


def psnr(picture: Image.Image | np.ndarray, truth: Image.Image) -> float:
    """Peak signal-to-noise ratio in decibels; 100 for equal pictures."""
    error = np.mean((np.asarray(picture, float) - np.asarray(truth, float)) ** 2)
    return 100.0 if error == 0 else float(10 * np.log10(255**2 / error))


def blend(before: Image.Image, after: Image.Image, time: float) -> np.ndarray:
    return (1 - time) * np.asarray(before, float) + time * np.asarray(after, float)


def ball(time: float, width: int = 192, height: int = 160) -> Image.Image:
    """A chequered ball that flies 24 pixels per unit of time in front of a still sky."""
    rows, columns = np.mgrid[:height, :width].astype(float)
    sky = 200 - 0.6 * rows
    across, down = columns - width * 0.4 - 24 * time, rows - height / 2 - 6 * time
    chequered = 100 + 60 * np.sin(across / 4 + 1) * np.sin(down / 5 + 1)
    inside = np.clip(30.5 - np.hypot(across, down), 0, 1)
    grey = sky * (1 - inside) + chequered * inside
    return Image.fromarray(np.stack([grey, grey * 0.8, 255 - grey], 2).round().astype(np.uint8))


@pytest.mark.parametrize(
    ("frames", "factor", "loop", "made"),
    [
        (0, 2, False, 0),
        (0, 4, True, 0),
        (1, 2, False, 1),
        (1, 4, True, 4),
        (2, 2, False, 3),
        (2, 2, True, 4),
        (3, 4, False, 9),
        (3, 4, True, 12),
    ],
)
def test_the_number_of_frames_is_as_counted(
    frames: int, factor: int, loop: bool, made: int
) -> None:
    clip = [ball(number / 8, 48, 40) for number in range(frames)]

    assert count(frames, factor, loop) == made
    assert len(list(interpolate(clip, factor, loop=loop))) == made


@pytest.mark.parametrize("factor", [2, 4])
@pytest.mark.parametrize("loop", [False, True])
def test_the_original_frames_are_not_changed(factor: int, loop: bool) -> None:
    clip = [ball(number / 4) for number in range(3)]

    denser = list(interpolate(clip, factor, loop=loop))

    assert all(one is other for one, other in zip(denser[::factor], clip, strict=True))


def test_frames_are_read_only_when_they_are_needed() -> None:
    taken: list[int] = []

    def endless() -> Iterator[Image.Image]:
        for number in range(10_000):
            taken.append(number)
            yield ball(number / 8, 48, 40)

    made = list(islice(interpolate(endless(), 2, loop=True), 5))

    assert len(made) == 5
    assert len(taken) <= 4


@pytest.mark.parametrize("size", [(192, 160), (160, 192), (640, 512)])
def test_a_moving_ball_is_at_its_place_at_each_time(size: tuple[int, int]) -> None:
    before, after = ball(0, *size), ball(0.5, *size)

    _, *between, _ = interpolate([before, after], 4, loop=False)

    for time, picture in zip((0.25, 0.5, 0.75), between, strict=True):
        truth = ball(time * 0.5, *size)
        assert picture.size == size
        assert psnr(picture, truth) > psnr(blend(before, after, time), truth) + 15


def test_a_loop_leads_back_to_its_first_frame() -> None:
    first, last = ball(0), ball(0.5)

    back = list(interpolate([first, last], 4, loop=True))[5:]

    for time, picture in zip((0.25, 0.5, 0.75), back, strict=True):
        truth = ball(0.5 - time * 0.5)
        assert psnr(picture, truth) > psnr(blend(last, first, time), truth) + 15


def test_uncovered_places_are_taken_from_the_frame_that_shows_them() -> None:
    flow = np.zeros((32, 64, 2), np.float32)
    flow[:, 32:, 0] = 20.0

    shown = _cover(flow, 0.5)

    assert (shown[:, :30] == 1).all(), "what stays"
    assert (shown[:, 34:40] == 0).all(), "what the right half has left"
    assert (shown[1:-1, 44:62] == 1).all(), "where it has come to"


def test_a_held_drawing_is_repeated() -> None:
    _, between, _ = interpolate([ball(0), ball(0)], 2, loop=False)

    assert between.tobytes() == ball(0).tobytes()


def test_grain_does_not_move_still_parts() -> None:
    chance = np.random.default_rng(0)
    pixels = np.asarray(ball(0), float)
    before, after = (
        Image.fromarray((pixels + chance.normal(0, 6, pixels.shape)).clip(0, 255).astype("u1"))
        for _ in range(2)
    )

    _, between, _ = interpolate([before, after], 2, loop=False)

    assert psnr(between, ball(0)) >= psnr(before, ball(0))


def held(pictures: Sequence[Image.Image]) -> str:
    """Each picture as a letter: "aab" for two of the first end, then one of the last."""
    first, last = pictures[0], pictures[-1]
    return "".join("a" if p is first else "b" if p is last else "?" for p in pictures)


@pytest.mark.parametrize(
    "other",
    [
        Image.new("RGB", (192, 160), (255, 255, 255)),
        Image.new("RGB", (192, 160), (0, 0, 0)),
        ball(0).transpose(Image.Transpose.FLIP_TOP_BOTTOM).rotate(90).resize((192, 160)),
        ball(0).crop((60, 20, 100, 44)).resize((192, 160)),
    ],
    ids=["white", "black", "turned", "closer"],
)
def test_frames_at_a_cut_are_repeated_and_not_blended(other: Image.Image) -> None:
    assert held(list(interpolate([ball(0), other], 2, loop=False))) == "aab"
    assert held(list(interpolate([ball(0), other], 4, loop=False))) == "aaabb"


def test_a_clip_with_a_cut_is_interpolated_before_and_after_it() -> None:
    black = Image.new("RGB", (192, 160))

    made = list(interpolate([ball(0), ball(0.5), black, black], 2, loop=False))

    assert psnr(made[1], ball(0.25)) > 45
    assert made[3] is made[2]
    assert made[5].getextrema() == ((0, 0),) * 3


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (16, 300)])
def test_tiny_and_narrow_frames_are_interpolated(size: tuple[int, int]) -> None:
    clip = [Image.new("RGB", size, (level, level, level)) for level in (100, 110)]

    _, between, _ = interpolate(clip, 2, loop=False)

    assert between.size == size
    assert abs(between.getpixel((0, 0))[0] - 105) <= 1


def test_alpha_is_ignored() -> None:
    clip = [ball(0).convert("RGBA"), ball(0.25).convert("RGBA")]

    _, between, _ = interpolate(clip, 2, loop=False)

    assert between.mode == "RGB"


@pytest.mark.parametrize("factor", [0, 1, 3, 8])
def test_other_factors_are_refused_at_once(factor: int) -> None:
    with pytest.raises(ValueError, match=f"not {factor} times"):
        interpolate([], factor, loop=False)


def test_an_unknown_method_is_refused_at_once() -> None:
    with pytest.raises(KeyError):
        interpolate([], 2, loop=False, name="psychic")


def test_frames_of_two_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="no one clip"):
        list(interpolate([ball(0), ball(0, 96, 80)], 2, loop=False))


def mean_frames(
    before: Image.Image, after: Image.Image, times: Sequence[float]
) -> list[Image.Image]:
    return [Image.blend(before, after, time) for time in times]


def test_a_new_method_needs_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Interpolator(label="Mean", kind="classical", path=f"{__name__}:mean_frames")
    monkeypatch.setitem(INTERPOLATORS, "mean", line)

    _, between, _ = interpolate([ball(0), ball(1)], 2, loop=False, name="mean")

    assert between.tobytes() == Image.blend(ball(0), ball(1), 0.5).tobytes()


# Drawn portraits: the kind of pictures that interpolation is for.


@pytest.fixture(scope="module")
def portraits() -> Any:
    pytest.importorskip("skia", reason="drawing needs the extra 'train'")
    from generation.demo import drawing, portraits

    class Portraits:
        pose = staticmethod(portraits.Pose)

        @staticmethod
        def draw(number: int, pose: portraits.Pose, size: int = 256) -> Image.Image:
            source = portraits.training_portraits(7, styled=0.0)
            portrait, _ = next(islice(source, number, None))
            return Image.fromarray(np.ascontiguousarray(drawing.draw(portrait, pose, size)))

    return Portraits


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("size", [128, 256, 512])
def test_interpolated_portraits_are_near_drawn_ones(number: int, size: int, portraits: Any) -> None:
    def at(time: float) -> Image.Image:
        part = 2 * time - 1
        pose = portraits.pose(tilt=2 * part, shift=1.5 * part, sway=-2 * part, mouth=1 + part / 4)
        return portraits.draw(number, pose, size)

    _, *between, _ = interpolate([at(0), at(1)], 4, loop=False)

    for time, picture in zip((0.25, 0.5, 0.75), between, strict=True):
        mixed = psnr(blend(at(0), at(1), time), at(time))
        assert psnr(picture, at(time)) > mixed + 8, "decibels above a plain blend"
        assert psnr(picture, at(time)) > 27


@pytest.mark.parametrize("number", range(3))
def test_an_eye_is_open_or_shut_and_never_a_blend_of_both(number: int, portraits: Any) -> None:
    open_, shut = (portraits.draw(number, portraits.pose(blink=blink)) for blink in (0.0, 1.0))

    def eyes(picture: Image.Image | np.ndarray) -> float:
        """Contrast around the eyes; a blend of both has less than either."""
        return float(np.asarray(picture, float)[105:170, 70:190].std())

    between = list(interpolate([open_, shut], 4, loop=False))[1:-1]

    for time, shown, picture in zip((0.25, 0.5, 0.75), (open_, open_, shut), between, strict=True):
        assert eyes(picture) > 0.95 * eyes(shown)
        assert abs(eyes(picture) / eyes(shown) - 1) < 0.5 * abs(
            eyes(blend(open_, shut, time)) / eyes(shown) - 1
        )


@pytest.mark.parametrize("number", range(6))
def test_another_character_is_a_cut_and_fast_motion_is_not(number: int, portraits: Any) -> None:
    still, lively = portraits.pose(), portraits.pose(tilt=4, shift=3, sway=4, blink=1, mouth=0.5)
    first, other = (portraits.draw(one, still) for one in (number, number + 1))

    assert held(list(interpolate([first, other], 2, loop=False))) == "aab"
    assert held(list(interpolate([first, portraits.draw(number, lively)], 2, loop=False))) == "a?b"


@pytest.mark.parametrize("loop", [False, True])
@pytest.mark.parametrize("factor", [2, 4])
def test_it_starts_at_any_frame_and_computes_none_before_it(
    factor: int, loop: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = [ball(number / 4, 48, 40) for number in range(3)]
    whole = [frame.tobytes() for frame in interpolate(clip, factor, loop=loop)]
    gaps: list[int] = []
    gap = interpolation._gap

    def noted(*arguments: Any) -> list[Image.Image]:
        gaps.append(1)
        return gap(*arguments)

    monkeypatch.setattr(interpolation, "_gap", noted)
    for start in range(len(whole) + 1):
        gaps.clear()
        rest = [frame.tobytes() for frame in interpolate(clip, factor, loop=loop, start=start)]
        assert rest == whole[start:]
        assert len(gaps) <= -(-(len(whole) - start) // factor)
