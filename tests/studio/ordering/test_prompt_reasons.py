"""What is told of the texts before they are rendered: unread ends, unknown words, foreign syntax."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from generation.models import ModelCard
from generation.scheduling.forecast import Forecaster
from generation.specs import EnhanceSpec, RenderSpec
from studio.models import Character, Project, Style
from studio.ordering import reasons, submission
from studio.ordering.planner import plan
from studio.ordering.prompt_reasons import SHOWN_CHARACTERS, prompt_reasons
from studio.ordering.request import RenderRequest
from studio.production import reviewing
from tests.studio.conftest import MakeTake, fresh

pytestmark = pytest.mark.django_db

LONG = "pink hair, " * 9 + "red hat, " + "blue eyes"
TOKENS = 34
LIMIT = 32


def codes(spec: RenderSpec, model: ModelCard) -> list[str]:
    return [reason.code for reason in prompt_reasons(spec, model)]


@pytest.fixture
def old_layout(toon: ModelCard, tmp_path: Path) -> ModelCard:
    """The demo model with its tokenizer as vocab.json and merges.txt."""
    folder = tmp_path / "tokenizer"
    folder.mkdir()
    encoding = json.loads((toon.path / "tokenizer" / "tokenizer.json").read_text())["model"]
    (folder / "vocab.json").write_text(json.dumps(encoding["vocab"]))
    (folder / "merges.txt").write_text("\n".join(" ".join(pair) for pair in encoding["merges"]))
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": LIMIT}))
    toon.folder = str(tmp_path)
    toon.save()
    return toon


def test_both_texts_are_counted_in_the_layout_of_stable_diffusion_1(
    old_layout: ModelCard, spec: RenderSpec
) -> None:
    long = replace(spec, prompt=LONG, negative_prompt=f"{LONG} sad")

    values = {"model": "Toon", "limit": LIMIT}
    assert prompt_reasons(long, old_layout) == [
        reasons.PROMPT_CUT.because(tokens=TOKENS, cut="blue eyes", **values),
        reasons.NEGATIVE_PROMPT_CUT.because(tokens=TOKENS + 1, cut="blue eyes sad", **values),
    ]


def test_texts_are_counted_with_the_words_of_character_and_style(
    toon: ModelCard, project: Project
) -> None:
    mika = Character.objects.create(
        project=project, slug="mika", name="Mika", look=LONG, negative_prompt=LONG
    )
    ink = Style.objects.create(
        slug="ink", name="Ink", template="{prompt}, smile", negative_prompt="sad"
    )

    asked = RenderRequest(prompt="hat", negative_prompt="night", character=mika, style=ink)
    told = plan(Forecaster(), asked).all_reasons

    assert [reason.code for reason in told] == ["prompt_cut", "negative_prompt_cut"]
    assert all(str(number) in told[0].why for number in (TOKENS + 4, LIMIT))
    assert "“blue eyes, hat, smile”" in told[0].why
    assert "“hat, blue eyes, sad”" in told[1].why


def test_of_a_text_that_is_not_read_the_beginning_is_told(
    toon: ModelCard, spec: RenderSpec
) -> None:
    (cut,) = prompt_reasons(replace(spec, prompt="pink hair, " * 100), toon)

    assert cut.code == "prompt_cut"
    assert SHOWN_CHARACTERS < len(cut.why) < 2 * SHOWN_CHARACTERS


@pytest.mark.parametrize("text", ["少女、夕焼け", "🌅🌊", "девушка на крыше"])
def test_texts_in_a_language_that_the_model_does_not_know_are_told(
    text: str, toon: ModelCard, spec: RenderSpec
) -> None:
    strange = replace(spec, prompt=text, negative_prompt=text)

    assert prompt_reasons(strange, toon) == [
        reasons.PROMPT_STRANGE.because(model="Toon", percent=0),
        reasons.NEGATIVE_PROMPT_STRANGE.because(model="Toon", percent=0),
    ]
    assert codes(replace(spec, prompt=f"1girl, short pink hair, {text[:3]}"), toon) == []


def test_a_negative_prompt_that_no_step_reads_is_told(toon: ModelCard, spec: RenderSpec) -> None:
    unguided = replace(spec, guidance=1.0, negative_prompt=f"(少女:1.2), {LONG}")

    assert prompt_reasons(unguided, toon) == [reasons.NEGATIVE_PROMPT_UNREAD.because(guidance=1.0)]
    assert codes(replace(unguided, negative_prompt=""), toon) == []


def test_syntax_is_told_of_both_texts(toon: ModelCard, spec: RenderSpec) -> None:
    foreign = replace(spec, prompt="(smile:1.2)", negative_prompt="<lora:hat:1>")

    assert codes(foreign, toon) == ["weight_unread", "lora_unread"]


def test_nothing_is_told_of_texts_that_are_not_read_again(
    toon: ModelCard, spec: RenderSpec
) -> None:
    assert prompt_reasons(EnhanceSpec.of(replace(spec, prompt=LONG), upscale=2), toon) == []


def test_a_clip_is_read_by_the_tokenizer_of_the_model_that_is_animated(
    toon_motion: ModelCard, spec: RenderSpec
) -> None:
    assert codes(replace(spec, type="video", prompt=LONG), toon_motion) == ["prompt_cut"]


def test_the_job_keeps_it_and_so_do_its_clone_and_its_final(
    finished: MakeTake, artist: User, reviewer: User, forecaster: Forecaster
) -> None:
    draft = finished(prompt=f"(smile:1.2), {LONG}")
    told = ["prompt_cut", "weight_unread"]

    clone, _ = submission.clone(forecaster, draft, artist)
    final = reviewing.approve(forecaster, reviewing.request_review(fresh(draft), artist), reviewer)

    assert final is not None
    for take in (draft, clone, final):
        assert [code for code, _, _ in take.job.reasons] == told
        assert take.job.spec.prompt == f"(smile:1.2), {LONG}", "what was typed is not changed"
