"""Demands of the stages of a render."""

from __future__ import annotations

import pytest

from generation.estimating.cost import Demand, demands
from generation.estimating.shapes import Shape
from generation.pipelines.costs import Costs
from generation.pipelines.loop.window_plan import split
from generation.states import Stage

COSTS = Costs(evaluate=(1e9, 2e6, 3e2, 4e5), decode=(5e7, 6e1))
PICTURE = Shape(model="toon", type="image", width=256, height=128, denoising_steps=20, guided=True)
CLIP = Shape(
    model="toon-motion",
    type="video",
    width=256,
    height=128,
    frames=24,
    denoising_steps=20,
    guided=True,
)
LATENTS = 32 * 16
MEGAPIXELS = 256 * 128 / 1e6


def found(shape: Shape, model_bytes: int = 0) -> dict[Stage, Demand]:
    return demands(shape, COSTS, model_bytes)


def test_the_stages_of_a_picture_are_in_order() -> None:
    assert list(found(PICTURE)) == [
        Stage.LOAD,
        Stage.ENCODE,
        Stage.DENOISE,
        Stage.DECODE,
        Stage.WRITE,
    ]


def test_a_picture_is_evaluated_twice_a_step_when_it_is_guided() -> None:
    evaluation = (1e9 + 2e6 * LATENTS + 3e2 * LATENTS**2 + 4e5 * LATENTS) / 1e12

    guided = found(PICTURE)[Stage.DENOISE]
    alone = found(PICTURE.but(guided=False))[Stage.DENOISE]

    assert (guided.count, guided.volume) == (20, pytest.approx(20 * 2 * evaluation))
    assert (alone.count, alone.volume) == (20, pytest.approx(20 * evaluation))
    assert guided.like != alone.like


def test_decoding_grows_with_the_picture_and_not_with_the_steps() -> None:
    decode = found(PICTURE)[Stage.DECODE]

    assert decode.count == 1
    assert decode.volume == pytest.approx((5e7 * LATENTS + 6e1 * LATENTS**2) / 1e12)
    assert found(PICTURE.but(denoising_steps=40))[Stage.DECODE] == decode


def test_loading_grows_with_the_weights_and_is_the_same_for_every_size() -> None:
    load = found(PICTURE, model_bytes=3_000_000_000)[Stage.LOAD]

    assert (load.count, load.volume) == (1, 3.0)
    assert found(PICTURE.but(width=512), model_bytes=3_000_000_000)[Stage.LOAD] == load


@pytest.mark.parametrize("frames", [8, 16, 17, 24, 64])
def test_a_clip_is_denoised_window_by_window(frames: int) -> None:
    windows = split(frames, 16, loop=False)
    size = len(windows[0])
    evaluation = COSTS.evaluation(LATENTS, size) / 1e12

    denoise = found(CLIP.but(frames=frames))[Stage.DENOISE]

    assert denoise.count == 20 * len(windows)
    assert denoise.volume == pytest.approx(20 * len(windows) * 2 * evaluation)


def test_frames_with_temporal_attention_cost_more_than_single_frames() -> None:
    together = COSTS.evaluation(LATENTS, 16)

    assert together == pytest.approx(16 * COSTS.evaluation(LATENTS, 1) + 4e5 * LATENTS * 16 * 15)


def test_longer_clips_of_the_same_windows_are_alike_and_shorter_ones_are_not() -> None:
    like = found(CLIP)[Stage.DENOISE].like

    assert found(CLIP.but(frames=80))[Stage.DENOISE].like == like
    assert found(CLIP.but(denoising_steps=8))[Stage.DENOISE].like == like
    assert found(CLIP.but(frames=8))[Stage.DENOISE].like != like


def test_a_loop_has_a_window_over_its_seam() -> None:
    open_end, loop = (
        found(CLIP.but(frames=16, loop=loop))[Stage.DENOISE] for loop in (False, True)
    )

    assert (open_end.count, loop.count) == (20, 40)


def test_an_interpolated_clip_has_demands_for_interpolating_and_writing() -> None:
    plain, smooth = found(CLIP), found(CLIP.but(interpolate=2, interpolator="farneback"))

    assert Stage.INTERPOLATE not in plain
    made = smooth[Stage.INTERPOLATE]
    assert (made.count, made.volume) == (23, pytest.approx(23 * MEGAPIXELS))
    assert smooth[Stage.WRITE].volume == pytest.approx(47 * MEGAPIXELS)
    assert smooth[Stage.DENOISE] == plain[Stage.DENOISE]


def test_an_upscaled_clip_has_demands_per_frame_and_is_written_large() -> None:
    large = found(CLIP.but(upscale=4, upscaler="anime"))

    upscale = large[Stage.UPSCALE]
    assert (upscale.count, upscale.volume) == (24, pytest.approx(24 * 16 * MEGAPIXELS))
    assert large[Stage.WRITE].volume == pytest.approx(24 * 16 * MEGAPIXELS)
    assert large[Stage.CHECK].volume == large[Stage.WRITE].volume


def test_writing_grows_with_the_formats_and_only_clips_are_checked() -> None:
    one, three = (found(CLIP.but(formats=text)) for text in (("webm",), ("webm", "gif", "apng")))

    assert three[Stage.WRITE].volume == pytest.approx(3 * one[Stage.WRITE].volume)
    assert three[Stage.CHECK].volume == one[Stage.CHECK].volume
    assert Stage.CHECK not in found(PICTURE)


def test_an_enhancement_reads_frames_and_draws_nothing() -> None:
    drawn = {"model": "toon-motion", "type": "video", "width": 256, "height": 128, "guided": True}
    enhanced = found(Shape("enhance", **drawn, frames=24, upscale=2, upscaler="anime"))

    assert list(enhanced) == [Stage.LOAD, Stage.UPSCALE, Stage.WRITE, Stage.CHECK]
    assert (enhanced[Stage.LOAD].count, enhanced[Stage.LOAD].volume) == (
        24,
        pytest.approx(24 * MEGAPIXELS),
    )
