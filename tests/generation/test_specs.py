"""RenderSpec: what determines a picture, and what a model refuses."""

import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from generation.errors import SpecError
from generation.field import MAX_PROMPT_LENGTH
from generation.limits import Limits, check
from generation.specs import (
    MAX_GUIDANCE,
    MAX_SEED,
    MAX_STEPS,
    Lora,
    Quality,
    RenderSpec,
    SourceFile,
    draw_seed,
)

LIMITS = Limits(types=("image",), min_size=128, max_size=256)
SPEC = RenderSpec(
    type="image",
    model="toon",
    prompt="1girl, short pink hair",
    negative_prompt="blurry",
    quality="draft",
    width=128,
    height=192,
    steps=4,
    guidance=4.0,
    seed=7,
    loras=(Lora(file="loras/mika.safetensors", sha256="a" * 64, scale=0.8),),
)

specs = some.builds(
    RenderSpec,
    type=some.just("image"),
    model=some.text(max_size=10),
    prompt=some.text(max_size=40),
    negative_prompt=some.text(max_size=10),
    quality=some.sampled_from(Quality),
    width=some.integers(),
    height=some.integers(),
    steps=some.integers(),
    guidance=some.floats(allow_nan=False, allow_infinity=False),
    seed=some.integers(0, MAX_SEED),
    loras=some.lists(
        some.builds(Lora, file=some.text(), sha256=some.text(), scale=some.floats(0, 2)),
        max_size=2,
    ).map(tuple),
)


@given(specs)
def test_a_spec_survives_json(spec: RenderSpec) -> None:
    read_back = RenderSpec.from_json(json.loads(json.dumps(spec.as_json())))

    assert read_back == spec
    assert read_back.content_hash() == spec.content_hash()


def test_a_specs_hash_is_the_same_in_another_process() -> None:
    program = (
        "import json, sys; from generation.specs import RenderSpec;"
        "print(RenderSpec.from_json(json.load(sys.stdin)).content_hash())"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(SPEC.as_json()),
        capture_output=True,
        text=True,
        check=True,
    )

    assert answer.stdout.strip() == SPEC.content_hash()


def test_a_specs_hash_equals_that_in_existing_files() -> None:
    """A change of the hashed data orphans every stored draft; then this number changes too."""
    known = "445831a52b6ac1f33d7ce09896cef51415795a0112fc1556215e38bbaff06f4e"

    assert SPEC.content_hash() == known


@pytest.mark.parametrize(
    "change",
    [
        {"type": "video"},
        {"model": "other"},
        {"prompt": "1boy"},
        {"negative_prompt": ""},
        {"quality": "final"},
        {"width": 136},
        {"height": 200},
        {"steps": 5},
        {"guidance": 4.5},
        {"seed": 8},
        {"scheduler": "DDIMScheduler"},
        {"frames": 2},
        {"fps": 12},
        {"loras": ()},
        {"loras": (Lora(file="loras/mika.safetensors", sha256="a" * 64, scale=0.9),)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_field_changes_the_hash(change: dict[str, Any]) -> None:
    assert replace(SPEC, **change).content_hash() != SPEC.content_hash()


def test_whole_and_decimal_numbers_have_the_same_hash() -> None:
    whole = replace(SPEC, guidance=4, loras=(replace(SPEC.loras[0], scale=1),))
    broken = replace(SPEC, guidance=4.0, loras=(replace(SPEC.loras[0], scale=1.0),))

    assert whole == broken
    assert whole.content_hash() == broken.content_hash()


@pytest.mark.parametrize("data", [{"prompt": "too little"}, {**SPEC.as_json(), "zoom": 2}])
def test_json_that_is_not_a_spec_is_a_type_error(data: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        RenderSpec.from_json(data)


@pytest.mark.parametrize(
    ("guidance", "guided"), [(0.0, False), (1.0, False), (1.01, True), (7.5, True)]
)
def test_guidance_above_one_costs_two_forwards(guidance: float, guided: bool) -> None:
    assert replace(SPEC, guidance=guidance).guided is guided


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "x" * MAX_PROMPT_LENGTH},
        {"negative_prompt": ""},
        {"width": 128, "height": 256},
        {"steps": 1},
        {"steps": MAX_STEPS},
        {"guidance": 0.0},
        {"guidance": MAX_GUIDANCE},
        {"seed": 0},
        {"seed": MAX_SEED},
        {"acceleration": 3},
        {"upscale": 4},
    ],
    ids=str,
)
def test_a_spec_at_the_limits_passes(change: dict[str, Any]) -> None:
    spec = replace(SPEC, **change)

    assert check(spec, LIMITS) is spec


@pytest.mark.parametrize(
    ("change", "field", "allowed"),
    [
        ({"type": "video"}, "type", "image"),
        ({"prompt": ""}, "prompt", "1 to 2000 characters"),
        ({"prompt": " \n "}, "prompt", "1 to 2000 characters"),
        ({"prompt": "x" * (MAX_PROMPT_LENGTH + 1)}, "prompt", "1 to 2000 characters"),
        ({"prompt": "1girl\x00"}, "prompt", "any other text"),
        ({"negative_prompt": "x" * 2001}, "negative_prompt", "0 to 2000 characters"),
        ({"negative_prompt": "\x00"}, "negative_prompt", "any other text"),
        ({"width": 120}, "width", "multiples of 8 from 128 to 256"),
        ({"width": 264}, "width", "multiples of 8 from 128 to 256"),
        ({"width": 132}, "width", "multiples of 8 from 128 to 256"),
        ({"height": 0}, "height", "multiples of 8 from 128 to 256"),
        ({"height": -128}, "height", "multiples of 8 from 128 to 256"),
        ({"steps": 0}, "steps", "1 to 150"),
        ({"steps": MAX_STEPS + 1}, "steps", "1 to 150"),
        ({"guidance": -0.1}, "guidance", "0 to 30"),
        ({"guidance": MAX_GUIDANCE + 1}, "guidance", "0 to 30"),
        ({"guidance": float("nan")}, "guidance", "0 to 30"),
        ({"guidance": float("inf")}, "guidance", "0 to 30"),
        ({"seed": -1}, "seed", f"0 to {MAX_SEED}"),
        ({"seed": MAX_SEED + 1}, "seed", f"0 to {MAX_SEED}"),
        ({"acceleration": 0}, "acceleration", "1, 2 or 3"),
        ({"acceleration": 4}, "acceleration", "1, 2 or 3"),
        ({"interpolate": 3}, "interpolate", "1, 2 or 4"),
        ({"upscale": 3}, "upscale", "1, 2 or 4"),
    ],
    ids=lambda value: None if not isinstance(value, dict) else str(value)[:40],
)
def test_an_invalid_spec_is_refused_with_the_field_and_the_allowed_values(
    change: dict[str, Any], field: str, allowed: str
) -> None:
    with pytest.raises(SpecError) as refusal:
        check(replace(SPEC, **change), LIMITS)

    assert (refusal.value.field, refusal.value.allowed) == (field, allowed)
    assert refusal.value.message


@pytest.mark.parametrize(
    ("prompt", "code"),
    [("   ", "text_empty"), ("x" * 2001, "text_too_long"), ("a\x00", "nul_character")],
)
def test_a_text_is_refused_with_its_own_code(prompt: str, code: str) -> None:
    with pytest.raises(SpecError) as refusal:
        check(replace(SPEC, prompt=prompt), LIMITS)

    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("word", "quality"),
    [
        ("draft", Quality.DRAFT),
        ("low", Quality.DRAFT),
        ("standard", Quality.STANDARD),
        ("medium", Quality.STANDARD),
        ("final", Quality.FINAL),
        ("high", Quality.FINAL),
    ],
)
def test_a_quality_has_two_words(word: str, quality: Quality) -> None:
    assert Quality.from_word(word) is quality
    assert quality.label.lower() == quality.value


def test_an_unknown_quality_word_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        Quality.from_word("best")


def test_random_seeds_differ_and_are_within_the_limits() -> None:
    drawn = {draw_seed() for _ in range(50)}

    assert len(drawn) > 45
    assert all(0 <= seed <= MAX_SEED for seed in drawn)


@pytest.mark.parametrize(
    ("change", "lacks", "field"),
    [
        ({"acceleration": 2}, "accelerates", "acceleration"),
        ({}, "lora", "model"),
        (
            {"source": SourceFile(file="a.png", sha256="0" * 64, use="first_frame")},
            "begins_with_picture",
            "source",
        ),
    ],
)
def test_a_missing_capability_of_the_family_is_refused(
    change: dict[str, Any], lacks: str, field: str
) -> None:
    spec = replace(SPEC, **change)
    assert check(spec, LIMITS) is spec

    with pytest.raises(SpecError) as refused:
        check(spec, replace(LIMITS, **{lacks: False}))

    assert refused.value.field == field
