"""A shape is its text: what is written is read back, and nothing else is."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as some

from generation.estimating.shapes import Shape, parse
from generation.specs import Lora, RenderSpec, SourceFile, SourceUse

WORDS = some.from_regex(r"[A-Za-z][A-Za-z0-9._-]{0,19}", fullmatch=True)
SIZES = some.integers(min_value=8, max_value=8192)
FACTORS = some.sampled_from([1, 2, 4])

DRAWN = some.fixed_dictionaries(
    {
        "model": WORDS,
        "width": SIZES,
        "height": SIZES,
        "steps": some.integers(min_value=0, max_value=150),
        "guided": some.booleans(),
        "scheduler": some.just("") | WORDS,
        "loras": some.integers(min_value=0, max_value=4),
    }
)
AFTERWARDS = some.fixed_dictionaries(
    {
        "frames": some.integers(min_value=1, max_value=1440),
        "context": some.integers(min_value=2, max_value=32),
        "loop": some.booleans(),
        "keeps": some.booleans(),
        "interpolate": FACTORS,
        "interpolator": some.just("") | WORDS,
        "upscale": FACTORS,
        "upscaler": some.just("") | WORDS,
        "formats": some.sampled_from(["", "webm", "webm+gif", "webm+gif+apng"]),
    }
)


@given(DRAWN)
def test_a_picture_reads_back_as_it_was_written(drawn: dict[str, Any]) -> None:
    shape = Shape(type="image", frames=1, **drawn)

    assert parse(str(shape)) == shape


@given(DRAWN, AFTERWARDS)
def test_a_clip_reads_back_with_everything_that_comes_after_drawing(
    drawn: dict[str, Any], after: dict[str, Any]
) -> None:
    shape = Shape(type="video", **drawn, **after)

    assert parse(str(shape)) == shape


@given(DRAWN, some.sampled_from([2, 4]), WORDS)
def test_a_picture_that_is_enlarged_reads_back_too(
    drawn: dict[str, Any], factor: int, upscaler: str
) -> None:
    shape = Shape(type="image", frames=1, upscale=factor, upscaler=upscaler, **drawn)

    assert parse(str(shape)) == shape


@given(some.text())
def test_any_other_text_is_no_shape(text: str) -> None:
    """Three bars and a size are the least that the text of a shape has."""
    assume(not re.match(r".*\|.*\|\d+x\d+\|", text))
    with pytest.raises(ValueError, match="is not the shape of a render"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "toon",
        "toon|image|128x128|1f|4s|maybe|Euler|0l",
        "toon|image|128|1f|4s|guided||0l",
        "toon|image|128x128|1f|4s|guided||0l|",
        "toon|image|128x128|1f|4s|guided||0l|16c|1i|2u",
        "toon|image|128x128|1f|-4s|guided||0l",
    ],
)
def test_what_is_cut_short_or_garbled_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not the shape of a render"):
        parse(text)


def test_a_text_from_before_contexts_were_told_is_a_plain_picture() -> None:
    shape = parse("toon|image|256x192|1f|20s|unguided|DDIMScheduler|2l")

    assert (shape.model, shape.type, shape.width, shape.height) == ("toon", "image", 256, 192)
    assert (shape.frames, shape.steps, shape.guided) == (1, 20, False)
    assert (shape.scheduler, shape.loras) == ("DDIMScheduler", 2)
    assert (shape.interpolate, shape.upscale, shape.formats) == (1, 1, "")


def test_the_shape_of_a_spec_tells_all_that_decides_its_time(spec: RenderSpec) -> None:
    clip = replace(
        spec,
        type="video",
        quality="final",
        frames=24,
        fps=8.0,
        context_frames=12,
        loop=True,
        interpolate=2,
        interpolator="farneback",
        formats=("webm", "gif"),
        loras=(Lora(file="one.safetensors", sha256="a" * 64),),
    )

    shape = Shape.of(clip)

    assert str(shape) == ("toon|video|128x128|24f|4s|guided||1l|12cok|2ifarneback|1u|webm+gif")
    assert shape.delivered_frames == clip.delivered_frames == 48
    assert Shape.of(replace(clip, loop=False)).delivered_frames == 47


def test_what_is_only_enhanced_draws_nothing(spec: RenderSpec) -> None:
    source = SourceFile(file="outputs/one.mp4", sha256="a" * 64, use=SourceUse.ENHANCE)

    shape = Shape.of(replace(spec, steps=0, source=source, upscale=2))

    assert (shape.steps, shape.draws) == (0, False)
    assert Shape.of(spec).draws


@pytest.mark.parametrize("change", [{"seed": 8}, {"prompt": "1boy"}, {"guidance": 9.0}], ids=str)
def test_what_costs_the_same_has_one_shape(change: dict[str, Any], spec: RenderSpec) -> None:
    assert Shape.of(replace(spec, **change)) == Shape.of(spec)
