"""Writing and parsing of shapes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as some

from generation.estimating.shapes import Shape, parse
from generation.specs import EnhanceSpec, Lora, RenderSpec, SourceFile, SourceUse

WORDS = some.from_regex(r"[A-Za-z][A-Za-z0-9._-]{0,19}", fullmatch=True)
SIZES = some.integers(min_value=8, max_value=8192)
FACTORS = some.sampled_from([1, 2, 4])

DRAWN = some.fixed_dictionaries(
    {
        "model": WORDS,
        "width": SIZES,
        "height": SIZES,
        "denoising_steps": some.integers(min_value=0, max_value=150),
        "guided": some.booleans(),
        "scheduler": some.just("") | WORDS,
        "lora_count": some.integers(min_value=0, max_value=4),
    }
)
AFTERWARDS = some.fixed_dictionaries(
    {
        "frames": some.integers(min_value=1, max_value=1440),
        "context_frames": some.integers(min_value=2, max_value=32),
        "loop": some.booleans(),
        "keeps_frames": some.booleans(),
        "interpolate": FACTORS,
        "interpolator": some.just("") | WORDS,
        "upscale": FACTORS,
        "upscaler": some.just("") | WORDS,
        "formats": some.sampled_from([(), ("webm",), ("webm", "gif", "apng")]),
    }
)


@given(DRAWN)
def test_the_shape_of_a_picture_is_parsed_back(drawn: dict[str, Any]) -> None:
    shape = Shape(type="image", frames=1, **drawn)

    assert parse(str(shape)) == shape


@given(DRAWN, AFTERWARDS)
def test_the_shape_of_a_clip_is_parsed_back_with_its_enhancements(
    drawn: dict[str, Any], after: dict[str, Any]
) -> None:
    shape = Shape(type="video", **drawn, **after)

    assert parse(str(shape)) == shape


@given(DRAWN, some.sampled_from([2, 4]), WORDS)
def test_the_shape_of_an_upscaled_picture_is_parsed_back(
    drawn: dict[str, Any], factor: int, upscaler: str
) -> None:
    shape = Shape(type="image", frames=1, upscale=factor, upscaler=upscaler, **drawn)

    assert parse(str(shape)) == shape


@given(some.text())
def test_any_other_text_is_refused(text: str) -> None:
    assume("model" not in text)
    with pytest.raises(ValueError, match="is not the shape of a job"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "toon",
        "toon|image|128x128|1f|4s|guided||0l",
        "[]",
        '{"model":"toon"}',
        '{"guided":true,"height":8,"model":"toon","type":"image","width":8,"zoom":2}',
        '{"guided":true,"height":8,"kind":"juggle","model":"toon","type":"image","width":8}',
        '{"guided":true,"height":8,"kind":[],"model":"toon","type":"image","width":8}',
    ],
)
def test_a_truncated_or_old_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not the shape of a job"):
        parse(text)


def test_the_shape_has_all_settings_that_decide_the_run_time(spec: RenderSpec) -> None:
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

    assert json.loads(str(shape)) == {
        "type": "video",
        "model": "toon",
        "width": 128,
        "height": 128,
        "denoising_steps": 4,
        "guided": True,
        "frames": 24,
        "context_frames": 12,
        "loop": True,
        "keeps_frames": True,
        "interpolate": 2,
        "interpolator": "farneback",
        "formats": ["webm", "gif"],
        "lora_count": 1,
    }
    assert shape.delivered_frames == clip.delivered_frames == 48
    assert Shape.of(replace(clip, loop=False)).delivered_frames == 47


def test_the_shape_of_an_enhancement_names_its_kind_and_goes_by_no_model(spec: RenderSpec) -> None:
    source = SourceFile(file="outputs/one.mp4", sha256="a" * 64, use=SourceUse.ENHANCE)

    shape = Shape.of(EnhanceSpec.of(spec, source=source, upscale=2))

    assert (shape.kind, shape.denoising_steps, shape.subject) == ("enhance", 0, "")
    assert json.loads(str(shape))["kind"] == "enhance"
    assert parse(str(shape)) == shape
    assert Shape.of(spec).subject == "toon"


@pytest.mark.parametrize("change", [{"seed": 8}, {"prompt": "1boy"}, {"guidance": 9.0}], ids=str)
def test_settings_of_equal_cost_have_one_shape(change: dict[str, Any], spec: RenderSpec) -> None:
    assert Shape.of(replace(spec, **change)) == Shape.of(spec)
