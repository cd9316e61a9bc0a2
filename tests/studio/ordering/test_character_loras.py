"""A character's LoRA in a request: how much of it fits the model is told, or it is refused."""

from __future__ import annotations

from typing import Any

import pytest

from generation.errors import SpecError
from generation.models import ModelCard
from studio.models import Character, Project
from studio.ordering.compose import Composed, compose
from studio.ordering.request import RenderRequest


@pytest.fixture
def mika(project: Project) -> Character:
    return Character.objects.create(project=project, slug="mika", name="Mika", look="1girl")


def made(character: Character, **asked: Any) -> Composed:
    return compose(RenderRequest(prompt="smiling", character=character, **asked))


def lora_facts(fits: int, misshapen: int = 0) -> dict[str, Any]:
    row = {"slug": "toon", "name": "Toon", "modules": 46, "fits": fits, "misshapen": misshapen}
    other = row | {"slug": "other", "fits": 46, "misshapen": 0}
    return {"rank": "16", "models": [row, other]}


def test_weights_of_which_a_part_fits_are_told_with_the_numbers(
    toon: ModelCard, mika: Character
) -> None:
    mika.lora.name, mika.lora_facts = "loras/m.safetensors", lora_facts(6)

    (reason,) = made(mika).reasons

    assert (reason.code, reason.chosen) == ("character_lora_partly", "LoRA of Mika")
    assert "6 of 46 modules" in reason.why


def test_a_lora_whose_modules_all_fit_is_told_as_before(toon: ModelCard, mika: Character) -> None:
    mika.lora.name, mika.lora_facts = "loras/m.safetensors", lora_facts(46)

    assert [reason.code for reason in made(mika).reasons] == ["character_lora"]


@pytest.mark.parametrize(("fits", "misshapen"), [(0, 0), (45, 1)])
def test_a_lora_for_another_model_is_refused_before_the_queue(
    fits: int, misshapen: int, toon: ModelCard, mika: Character
) -> None:
    mika.lora.name, mika.lora_facts = "loras/m.safetensors", lora_facts(fits, misshapen)

    with pytest.raises(SpecError) as refusal:
        made(mika)

    assert (refusal.value.field, refusal.value.code) == ("model", "lora_of_other_model")
    assert refusal.value.allowed == "other"


def test_a_clip_asks_for_the_fit_of_the_model_that_it_animates(
    toon_motion: ModelCard, mika: Character
) -> None:
    mika.lora.name, mika.lora_facts = "loras/m.safetensors", lora_facts(0)

    with pytest.raises(SpecError) as refusal:
        made(mika, type="video")

    assert refusal.value.code == "lora_of_other_model"
