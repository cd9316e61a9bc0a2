"""What gives option when time is short: only what nobody named, the least loss first, said in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from generation.field import MediaType
from generation.specs import Quality, RenderSpec
from studio.ordering import reasons
from studio.ordering.deadline_options import (
    FEWEST_FRAMES,
    DeadlineOption,
    Freedom,
    deadline_options,
)
from studio.ordering.reasons import GivenUp

ALL = Freedom(steps=True, acceleration=False, size=True, frames=True)
QUICKER = replace(ALL, acceleration=True)
NOTHING = Freedom(steps=False, acceleration=False, size=False, frames=False)
STEPS = {Quality.FINAL: 40, Quality.STANDARD: 24, Quality.DRAFT: 10}

PICTURE = RenderSpec(
    type="image",
    model="toon",
    prompt="1girl",
    quality="final",
    width=512,
    height=384,
    steps=40,
    guidance=7.0,
    seed=7,
)
FEWER_STEPS = GivenUp(reasons.FEWER_STEPS, {"steps": 30, "usual": 40})
STANDARD = GivenUp(reasons.LOWER_QUALITY, {"quality": "standard"})
CLIP = replace(PICTURE, type="video", frames=40, fps=8.0, context_frames=16)


def options(best: RenderSpec, free: Freedom = ALL) -> list[DeadlineOption]:
    return deadline_options(best, STEPS.__getitem__, free)


def option(best: RenderSpec, free: Freedom = ALL, **settings: object) -> DeadlineOption:
    """The one option with these settings."""
    (found,) = [
        one
        for one in options(best, free)
        if all(getattr(one.spec, name) == value for name, value in settings.items())
    ]
    return found


@pytest.mark.parametrize("best", [PICTURE, CLIP], ids=["a picture", "a clip"])
def test_the_best_comes_first_and_loses_nothing(best: RenderSpec) -> None:
    first = options(best)[0]

    assert first == DeadlineOption(best, 0.0, ())


@pytest.mark.parametrize("best", [PICTURE, CLIP], ids=["a picture", "a clip"])
def test_the_ways_come_in_the_order_of_their_loss_and_each_once(best: RenderSpec) -> None:
    found = options(best)

    losses = [one.loss for one in found]
    assert losses == sorted(losses)
    assert len({one.spec.content_hash() for one in found}) == len(found)
    assert all(one.given_up for one in found[1:]), "whatever is lost is said"


def test_where_everything_was_named_only_the_quality_gives_way() -> None:
    found = options(replace(CLIP, steps=13), NOTHING)

    assert [one.spec.quality for one in found] == [Quality.FINAL, Quality.STANDARD, Quality.DRAFT]
    assert {one.spec.steps for one in found} == {13}
    assert [one.given_up for one in found] == [
        (),
        (GivenUp(reasons.LOWER_QUALITY, {"quality": "standard"}),),
        (GivenUp(reasons.LOWER_QUALITY, {"quality": "draft"}),),
    ]


def test_fewer_steps_are_given_up_before_the_quality_and_the_size_goes_last() -> None:
    found = [one.given_up for one in options(PICTURE)]

    assert found[1] == (FEWER_STEPS,)
    assert found[2] == (STANDARD,)
    assert found[-1] == (
        GivenUp(reasons.LOWER_QUALITY, {"quality": "draft"}),
        GivenUp(reasons.FEWER_STEPS, {"steps": 8, "usual": 10}),
        GivenUp(
            reasons.SMALLER,
            {"width": 256, "height": 192, "usual_width": 512, "usual_height": 384},
        ),
    )


def test_a_quality_brings_its_own_steps() -> None:
    steps = {(one.spec.quality, one.spec.steps) for one in options(PICTURE)}

    assert steps == {
        ("final", 40),
        ("final", 30),
        ("standard", 24),
        ("standard", 18),
        ("draft", 10),
        ("draft", 8),
    }


def test_a_smaller_picture_keeps_its_form_in_sizes_that_can_be_rendered() -> None:
    free = replace(NOTHING, size=True)
    sizes = [
        (one.spec.width, one.spec.height) for one in options(replace(PICTURE, width=520), free)
    ]

    assert set(sizes) == {(520, 384), (392, 288), (256, 192)}


def test_a_clip_of_fewer_drawn_frames_lasts_as_long_and_is_delivered_as_smoothly() -> None:
    best = option(CLIP, replace(NOTHING, frames=True), quality="final", interpolate=1)
    half = option(CLIP, replace(NOTHING, frames=True), quality="final", interpolate=2)

    assert best.spec == CLIP
    assert (half.spec.frames, half.spec.fps, half.spec.delivered_fps) == (20, 4.0, 8.0)
    assert half.spec.interpolator
    lasts = half.spec.delivered_frames / half.spec.delivered_fps
    assert lasts == pytest.approx(CLIP.frames / CLIP.fps, abs=1 / CLIP.fps)
    assert half.given_up == (GivenUp(reasons.FEWER_DRAWN, {"frames": 20}),)


def test_a_short_clip_keeps_its_frames() -> None:
    short = replace(CLIP, frames=2 * FEWEST_FRAMES - 1)

    assert {one.spec.interpolate for one in options(short)} == {1}
    longer = replace(CLIP, frames=2 * FEWEST_FRAMES)
    assert {one.spec.interpolate for one in options(longer)} == {1, 2}


def test_a_picture_has_no_frames_to_give_up() -> None:
    assert {one.spec.interpolate for one in options(PICTURE)} == {1}
    assert {one.spec.type for one in options(PICTURE)} == {MediaType.IMAGE}


def test_what_was_asked_otherwise_stays_in_every_way() -> None:
    kept = ("model", "prompt", "guidance", "seed", "scheduler", "loras", "upscale", "formats")

    for one in options(CLIP):
        assert all(getattr(one.spec, name) == getattr(CLIP, name) for name in kept)


def test_acceleration_costs_more_than_some_steps_and_less_than_a_quality() -> None:
    found = options(PICTURE, QUICKER)

    assert [one.given_up for one in found[:4]] == [
        (),
        (FEWER_STEPS,),
        (GivenUp(reasons.ACCELERATED, {"ordinal": "second"}),),
        (STANDARD,),
    ]
    assert {one.spec.acceleration for one in found} == {1, 2, 3}
    assert len({one.spec.content_hash() for one in found}) == len(found)
    losses = [one.loss for one in found]
    assert losses == sorted(losses)


def test_an_acceleration_that_was_named_stays() -> None:
    named = replace(PICTURE, acceleration=3)

    assert options(named)[0] == DeadlineOption(named, 0.0, ())
    assert {one.spec.acceleration for one in options(named)} == {3}
