"""What goes into a spec of what people type: nothing that nobody can see."""

from __future__ import annotations

import pytest

from generation.errors import SpecError
from generation.models import ModelCard
from studio.models import Character, Project, Style
from studio.ordering.compose import compose
from studio.ordering.prompt_text import visible
from studio.ordering.request import RenderRequest

ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff"
INVISIBLE = f"{ZERO_WIDTH}\u00ad\u202e\u2066\u3164\u2800\u115f\ufe0f\U000e0041\x07"
EMOJI = [
    "👩\u200d🚀",
    "👩🏽\u200d🚀",
    "❤\ufe0f\u200d🔥",
    "🏳\ufe0f\u200d🌈",
    "👨\u200d👩\u200d👧",
    "1\ufe0f\u20e3",
    "☀\ufe0f",
]


@pytest.mark.parametrize("character", INVISIBLE)
def test_a_character_that_nobody_sees_is_dropped(character: str) -> None:
    assert visible(f"pi{character}nk h{character}air{character}") == "pink hair"


@pytest.mark.parametrize("emoji", EMOJI)
def test_an_emoji_stays_whole(emoji: str) -> None:
    assert visible(f"a {emoji} b{ZERO_WIDTH}") == f"a {emoji} b"


def test_a_joiner_that_joins_nothing_is_dropped() -> None:
    assert visible("👩\u200d girl\u200d🚀") == "👩 girl🚀"


def test_letters_are_composed_and_lines_and_spaces_stay() -> None:
    assert (
        visible(" cafe\u0301 か\u3099\n\tred\u3000hair\u00a0x ")
        == "café が\n\tred\u3000hair\u00a0x"
    )


@pytest.mark.django_db
def test_everything_that_a_spec_is_composed_of_loses_it(toon: ModelCard, project: Project) -> None:
    mika = Character.objects.create(
        project=project, slug="mika", name="Mika", look="1\u200bgirl", negative_prompt="\u200b"
    )
    ink = Style.objects.create(
        slug="ink", name="Ink", template="\ufeff{prompt}, ink", negative_prompt="blur\u00adry"
    )

    spec = compose(
        RenderRequest(
            prompt="smi\u2060ling", negative_prompt="\u200bhat", character=mika, style=ink
        )
    ).spec

    assert spec.prompt == "1girl, smiling, ink"
    assert spec.negative_prompt == "hat, blurry"


@pytest.mark.django_db
@pytest.mark.parametrize("prompt", [ZERO_WIDTH, f" {INVISIBLE} \n", "   "])
def test_a_prompt_of_nothing_visible_is_refused(prompt: str, toon: ModelCard) -> None:
    with pytest.raises(SpecError) as refused:
        compose(RenderRequest(prompt=prompt))

    assert (refused.value.field, refused.value.code) == ("prompt", "text_empty")
