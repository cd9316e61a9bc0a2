"""Generation data that other programs read: in PNG, animated PNG, MP4 and WebM, beside our own."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

from generation.field import MediaType
from generation.media.clips import COMMENT, ClipFormat, read_provenance, write_clip
from generation.media.images import PROVENANCE_KEY, png_with_provenance
from generation.media.parameters import parameters_of
from generation.specs import EnhanceSpec, Lora, RenderSpec, SourceFile, SourceUse
from tests.generation.media import png_files
from tests.generation.media.infotext import parsed

SPEC = RenderSpec(
    type=MediaType.IMAGE,
    model="toon",
    prompt='1girl, "smiling", 屋上の少女\nsecond line: (a, b)\r\nthird',
    negative_prompt="blurry,\nlow: quality",
    quality="draft",
    width=512,
    height=768,
    steps=20,
    guidance=7.0,
    seed=1,
    scheduler="EulerAncestralDiscreteScheduler",
)


def provenance(spec: RenderSpec = SPEC, **others: Any) -> dict[str, Any]:
    return {"genga": "1.2", "spec": spec.as_json(), "seed": spec.seed, **others}


def told(spec: RenderSpec = SPEC, **others: Any) -> dict[str, str]:
    return parsed(parameters_of(provenance(spec, **others)))


def test_another_program_reads_what_a_picture_was_made_with() -> None:
    png = png_with_provenance(Image.new("RGB", (8, 8)), provenance())

    with Image.open(io.BytesIO(png)) as picture:
        found = parsed(picture.text["parameters"])

    assert found == {
        "Prompt": '1girl, "smiling", 屋上の少女\nsecond line: (a, b)\nthird',
        "Negative prompt": "blurry,\nlow: quality",
        "Steps": "20",
        "Sampler": "Euler a",
        "CFG scale": "7",
        "Seed": "1",
        "Size": "512x768",
        "Model": "toon",
        "Version": "Genga 1.2",
    }
    assert png_files.read_provenance(png) == provenance()


@pytest.mark.parametrize("form", [ClipFormat.MP4, ClipFormat.WEBM, ClipFormat.APNG])
def test_another_program_reads_what_a_clip_was_made_with(form: ClipFormat, tmp_path: Path) -> None:
    path = written(tmp_path, form, provenance())

    assert parsed(parameters_in(path, form)) == told()
    assert read_provenance(path) == provenance()


def test_a_clip_of_an_older_version_is_read(tmp_path: Path) -> None:
    """Its comment holds our own text, as that of a clip without a complete spec still does."""
    path = written(tmp_path, ClipFormat.MP4, {"seed": 7})

    assert PROVENANCE_KEY in parameters_in(path, ClipFormat.MP4)
    assert read_provenance(path) == {"seed": 7}


@given(some.text(alphabet=some.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_any_prompt_comes_back(prompt: str) -> None:
    found = told(replace(SPEC, prompt=f"1girl {prompt} x", negative_prompt=""))

    assert found["Prompt"] == f"1girl {prompt} x"
    assert found["Seed"] == "1"


@pytest.mark.parametrize(
    ("scheduler", "sampler"),
    [
        ("DPMSolverMultistepScheduler", "DPM++ 2M"),
        ("PNDMScheduler", "PLMS"),
        ("TCDScheduler", "TCDScheduler"),
    ],
)
def test_a_sampler_has_the_name_that_it_has_elsewhere(scheduler: str, sampler: str) -> None:
    assert told(replace(SPEC, scheduler=scheduler))["Sampler"] == sampler
    assert told(replace(SPEC, scheduler=""), scheduler=scheduler)["Sampler"] == sampler
    assert "Sampler" not in told(replace(SPEC, scheduler=""))


def test_a_lora_is_named_by_its_hash_and_a_model_of_a_folder_is_not() -> None:
    lora = Lora(file="loras/mika.safetensors", sha256="0123456789abcdef" * 4)

    found = told(replace(SPEC, loras=(lora,)), model_hash="f" * 64)

    assert found["Lora hashes"] == "mika: 0123456789"
    assert "Model hash" not in found


def test_an_enhanced_file_says_what_was_enlarged_and_nothing_of_steps() -> None:
    source = SourceFile(file="a.png", sha256="0" * 64, use=SourceUse.ENHANCE)

    found = told(EnhanceSpec.of(SPEC, source=source, upscale=2, upscaler="lanczos"))

    assert (found["Postprocess upscale by"], found["Postprocess upscaler"]) == ("2", "lanczos")
    assert (found["Prompt"].split(",")[0], found["Size"]) == ("1girl", "512x768")
    assert not {"Steps", "Sampler", "CFG scale"} & found.keys()


def test_a_clip_begun_with_a_picture_says_how_much_was_drawn_anew() -> None:
    assert told(replace(SPEC, strength=0.65))["Denoising strength"] == "0.65"


def written(folder: Path, form: ClipFormat, provenance: dict[str, Any]) -> Path:
    frames = [Image.new("RGB", (64, 64), (40 * n, 90, 120)) for n in range(3)]
    path = folder / f"clip{form.extension}"
    write_clip(
        frames, path, fps=8, clip_format=form, provenance=provenance, on_frame=lambda _: None
    )
    return path


def parameters_in(path: Path, form: ClipFormat) -> str:
    """What stands where other programs look in a file of this format."""
    if form == ClipFormat.APNG:
        with Image.open(path) as picture:
            picture.seek(picture.n_frames - 1)
            picture.load()
            return str(picture.text["parameters"])
    with av.open(str(path)) as container:
        return {name.lower(): value for name, value in container.metadata.items()}[COMMENT]
