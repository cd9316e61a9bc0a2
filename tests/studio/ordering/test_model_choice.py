"""Which model a request gets that names none, and the reason that is told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from generation.models import Device, ModelCard
from generation.states import Work
from studio.models import Character, Project, Style
from studio.ordering import reasons
from studio.ordering.compose import Composed, compose
from studio.ordering.request import RenderRequest

pytestmark = pytest.mark.django_db


def other(slug: str = "wide", **fields: Any) -> ModelCard:
    """A second model for pictures, which nobody prefers."""
    usual = {"name": slug.capitalize(), "family": "stable-diffusion", "types": ["image"]}
    sizes = {"width": 256, "height": 256, "min_size": 128, "max_size": 256}
    return ModelCard.objects.create(slug=slug, **{**usual, **sizes, "folder": slug, **fields})


def reads(toon: ModelCard, tokens: int, folder: Path) -> None:
    """Let the model's tokenizer read so much only."""
    (folder / "tokenizer").mkdir(parents=True)
    config = folder / "tokenizer" / "tokenizer_config.json"
    config.write_text(json.dumps({"model_max_length": tokens}))
    toon.folder = str(folder)
    toon.save()


def made(prompt: str = "smiling", **asked: Any) -> Composed:
    return compose(RenderRequest(prompt=prompt, **asked))


def test_the_preferred_model_is_taken_without_a_word_where_it_does(toon: ModelCard) -> None:
    other()

    found = made()

    assert found.model == toon
    assert found.reasons == []


def test_more_people_than_it_draws_well_go_to_another_model(toon: ModelCard) -> None:
    ModelCard.objects.update(max_subjects=1)
    wide = other(max_subjects=3)

    found = made("2girls, smiling")

    assert found.model == wide
    assert found.reasons[0] == reasons.MORE_SUBJECTS.because(
        model="Wide", passed="Toon", subjects=2, most=1
    )
    assert made("1girl").model == toon
    assert made("a harbour").model == toon
    assert made("5girls").model == toon, "none can, so the preferred one stays"


def test_a_longer_text_than_it_reads_goes_to_a_model_that_reads_it(
    toon: ModelCard, tmp_path: Path
) -> None:
    reads(toon, 10, tmp_path)
    wide = other()

    found = made("red, " * 8)

    assert found.model == wide
    assert found.reasons == [
        reasons.MORE_TOKENS.because(model="Wide", passed="Toon", tokens=18, limit=10)
    ]
    assert made("red").model == toon


def test_weights_that_no_device_holds_are_passed_over(toon: ModelCard) -> None:
    ModelCard.objects.update(parameters=4 * 2**30)
    small = other("small", parameters=2**29)
    assert made().model == toon, "no device is known yet"
    Device.objects.create(
        name="cuda:0",
        kind="cuda",
        works=list(Work),
        memory_bytes=6 * 2**30,
        heartbeat_at=timezone.now(),
    )

    found = made()

    assert found.model == small
    assert found.reasons == [reasons.WEIGHTS_NOT_HELD.because(model="Small", passed="Toon")]


def test_weights_that_the_free_memory_does_not_hold_are_passed_over(toon: ModelCard) -> None:
    ModelCard.objects.update(parameters=2 * 2**30)
    small = other("small", parameters=2**29)
    card = Device.objects.create(
        name="cuda:0",
        kind="cuda",
        works=list(Work),
        memory_bytes=8 * 2**30,
        free_bytes=6 * 2**30,
        heartbeat_at=timezone.now(),
    )
    assert made().model == toon

    card.free_bytes = 3 * 2**30
    card.save()
    found = made()

    assert found.model == small
    assert found.reasons == [reasons.WEIGHTS_NOT_FREE.because(model="Small", passed="Toon")]
    card.free_bytes = 2**29
    card.save()
    assert made().model == toon, "no weights fit now, so the preferred ones stay"


def test_what_was_named_is_never_refused_because_of_a_choice(
    toon: ModelCard, project: Project
) -> None:
    """Another model may not take the size, the length or the weights."""
    ModelCard.objects.update(max_subjects=1)
    other(max_size=128)
    mika = Character.objects.create(project=project, slug="mika", name="Mika", look="1girl")
    mika.lora.name, mika.lora_sha256 = "loras/m.safetensors", "b" * 64

    assert made("2girls", width=256, height=256).model == toon
    assert made("2girls", height=256).model == toon
    assert made("2girls", character=mika).model == toon


def test_a_model_that_no_device_may_load_is_not_chosen(toon: ModelCard) -> None:
    ModelCard.objects.update(max_subjects=1)
    other(family="other")
    Device.objects.create(
        name="cuda:0",
        kind="cuda",
        works=list(Work),
        families=["stable-diffusion"],
        memory_bytes=6 * 2**30,
        heartbeat_at=timezone.now(),
    )

    assert made("2girls").model == toon


def test_a_model_that_reads_no_more_is_no_better_for_a_long_text(
    toon: ModelCard, tmp_path: Path
) -> None:
    reads(toon, 10, tmp_path / "one")
    short = other()
    reads(short, 10, tmp_path / "two")

    assert made("red, " * 8).model == toon


def test_what_matters_more_is_not_given_up_for_what_matters_less(
    toon: ModelCard, tmp_path: Path
) -> None:
    """Two people drawn well by a model that cuts the text, over one that reads it all."""
    reads(toon, 10, tmp_path)
    ModelCard.objects.update(max_subjects=2)
    other(max_subjects=1)

    found = made("2girls, " + "red, " * 8)

    assert found.model == toon
    assert found.reasons[-1].code == "prompt_cut"
    assert "10" in found.reasons[-1].chosen


def test_a_model_that_was_named_or_a_style_was_made_for_is_never_changed(
    toon: ModelCard,
) -> None:
    ModelCard.objects.update(max_subjects=1)
    other()
    style = Style.objects.create(slug="ink", name="Ink", template="{prompt}", model=toon)

    assert made("2girls", model=toon).model == toon
    found = made("2girls", style=style)
    assert found.model == toon
    assert found.reasons[0] == reasons.STYLE_MODEL.because(model="Toon", style="Ink")


def test_why_a_clips_model_was_chosen_is_told_once(toon: ModelCard, toon_motion: ModelCard) -> None:
    ModelCard.objects.filter(pk=toon_motion.pk).update(max_subjects=1)
    pair = other("pair", family="animatediff", types=["video"], base=toon)

    found = made("2girls", type="video")

    assert found.model == pair
    assert [reason for reason in found.reasons if reason.chosen == "Model Pair"] == [
        reasons.MORE_SUBJECTS.because(model="Pair", passed="Toon motion", subjects=2, most=1)
    ]
