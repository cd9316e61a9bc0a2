"""The settings that a request does not name, and the reason for each choice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from generation.models import Device, ModelCard
from generation.scheduling.forecast import Forecaster
from generation.specs import Quality
from generation.states import Work
from studio.models import Character, Project, Style
from studio.ordering import reasons
from studio.ordering.compose import Composed, compose
from studio.ordering.planner import plan
from studio.ordering.prompt_demands import PromptDemands
from studio.ordering.request import RenderRequest
from studio.ordering.workflow import warnings

pytestmark = pytest.mark.django_db


@pytest.fixture
def ink(db: None) -> Style:
    return Style.objects.create(slug="ink", name="Ink", template="{prompt}, ink style")


@pytest.fixture
def mika(project: Project) -> Character:
    return Character.objects.create(project=project, slug="mika", name="Mika", look="1girl")


def made(prompt: str = "smiling", **asked: Any) -> Composed:
    return compose(RenderRequest(prompt=prompt, **asked))


def codes(found: Composed) -> list[tuple[str, str]]:
    """The code of each reason, with what was chosen."""
    return [(reason.code, reason.chosen) for reason in found.reasons]


@pytest.mark.parametrize(
    ("prompt", "subjects"),
    [
        ("a harbour at night", 0),
        ("1girl, smiling", 1),
        ("2girls, beach", 2),
        ("1girl, 1boy", 2),
        ("3 people on a bench", 3),
        ("two friends talk", 2),
        ("a crowd in the rain", 6),
        ("6+boys", 6),
        ("a woman of 30 years", 0),
    ],
)
def test_people_are_counted_in_tags_and_words(prompt: str, subjects: int, toon: ModelCard) -> None:
    assert PromptDemands.of(prompt, toon).subjects == subjects


@pytest.mark.parametrize(
    ("prompt", "motion"),
    [
        ("she runs to the harbour", "runs"),
        ("1girl, Dancing in the rain", "dancing"),
        ("the camera pans over a city", "camera pans"),
        ("birds flying", "flying"),
        ("a quiet room", ""),
        ("a runway, a wave", ""),
    ],
)
def test_motion_is_found_in_words(prompt: str, motion: str, toon: ModelCard) -> None:
    assert PromptDemands.of(prompt, toon).motion == motion


def test_tokens_are_counted_by_the_models_own_tokenizer(toon: ModelCard) -> None:
    short, long = PromptDemands.of("1girl", toon), PromptDemands.of("pink " * 40, toon)

    assert 2 < short.tokens < 8
    assert long.tokens >= 40
    assert short.limit == long.limit > 0


def test_of_a_model_without_a_tokenizer_words_are_counted(toon: ModelCard) -> None:
    toon.folder = "nowhere"

    demands = PromptDemands.of("one, two three", toon)

    assert (demands.tokens, demands.limit) == (6, 77)


def test_a_request_that_names_nothing_gets_what_the_model_likes_without_a_word(
    toon: ModelCard,
) -> None:
    found = made()

    assert (found.spec.width, found.spec.height, found.spec.guidance) == (256, 256, 4.0)
    assert found.reasons == []


def test_several_people_get_a_wide_picture(toon: ModelCard) -> None:
    found = made("2girls, smiling")

    assert (found.spec.width, found.spec.height) == (256, 192)
    assert codes(found) == [("wide_for_subjects", "256×192")]
    assert "2 people" in found.reasons[0].why


@pytest.mark.parametrize(
    "named", [{"width": 256}, {"height": 256}, {"width": 128, "height": 256}], ids=str
)
def test_a_size_that_was_named_is_never_changed(named: dict[str, int], toon: ModelCard) -> None:
    found = made("2girls, smiling", **named)

    assert found.reasons == []
    assert all(getattr(found.spec, name) == pixels for name, pixels in named.items())


@pytest.mark.parametrize(
    "model",
    [{"min_size": 256}, {"width": 256, "height": 128}],
    ids=["it draws no less high", "it is wide already"],
)
def test_a_model_that_cannot_be_wider_stays_as_it_is(
    model: dict[str, int], toon: ModelCard
) -> None:
    ModelCard.objects.update(**model)

    found = made("2girls, smiling")

    assert found.reasons == []
    assert (found.spec.width, found.spec.height) == (256, model.get("height", 256))


def test_a_style_chooses_what_nobody_named_and_says_so(toon: ModelCard, ink: Style) -> None:
    ink.guidance, ink.scheduler, ink.steps, ink.model = 1.5, "DDIMScheduler", 60, toon

    found = made(style=ink, quality=Quality.DRAFT)

    assert (found.spec.guidance, found.spec.scheduler, found.spec.steps) == (
        1.5,
        "DDIMScheduler",
        16,
    )
    assert codes(found) == [
        ("style_model", "Model Toon"),
        ("style_guidance", "Guidance 1.5"),
        ("style_scheduler", "Scheduler DDIMScheduler"),
        ("style_steps", "16 steps"),
    ]
    assert all("Ink" in reason.why for reason in found.reasons)
    assert "60" in found.reasons[-1].why


def test_what_was_named_wins_over_the_style_and_needs_no_reason(
    toon: ModelCard, ink: Style
) -> None:
    ink.guidance, ink.steps = 1.5, 60

    found = made(style=ink, guidance=0.0, steps=5)

    assert (found.spec.guidance, found.spec.steps) == (0.0, 5)
    assert found.reasons == []


def test_a_style_that_wants_no_guidance_gets_none(toon: ModelCard, ink: Style) -> None:
    """Zero is a wish as well."""
    ink.guidance = 0.0

    found = made(style=ink)

    assert found.spec.guidance == 0.0
    assert codes(found) == [("style_guidance", "Guidance 0")]


@pytest.mark.parametrize(("steps", "acceleration", "whole"), [(10, 2, 5), (21, 3, 7)])
def test_an_acceleration_that_leaves_few_whole_steps_is_told(
    steps: int, acceleration: int, whole: int, toon: ModelCard
) -> None:
    (warning,) = warnings(made(steps=steps, acceleration=acceleration).spec)

    assert warning == reasons.FEW_WHOLE_STEPS.because(
        acceleration=acceleration, whole=whole, steps=steps
    )


@pytest.mark.parametrize(("steps", "acceleration"), [(10, 1), (1, 1), (15, 2), (22, 3)])
def test_enough_whole_steps_need_no_word(steps: int, acceleration: int, toon: ModelCard) -> None:
    assert warnings(made(steps=steps, acceleration=acceleration).spec) == []


def test_of_a_clip_begun_with_a_picture_the_steps_that_are_made_count(
    toon_motion: ModelCard,
) -> None:
    spec = replace(made(type="video", steps=20, acceleration=2).spec, strength=0.3)

    (warning,) = warnings(spec)

    assert warning == reasons.FEW_WHOLE_STEPS.because(acceleration=2, whole=3, steps=6)


def test_a_plan_tells_what_its_own_spec_should_be_told_of(toon: ModelCard) -> None:
    asked = RenderRequest(prompt="smiling", steps=10, acceleration=2)

    assert plan(Forecaster(), asked).all_reasons == warnings(compose(asked).spec) != []


def test_a_characters_weights_are_told(toon: ModelCard, mika: Character) -> None:
    mika.lora.name, mika.lora_sha256 = "loras/m.safetensors", "b" * 64

    assert codes(made(character=mika)) == [("character_lora", "LoRA of Mika")]


def test_a_still_of_something_that_moves_suggests_a_clip(toon: ModelCard) -> None:
    (reason,) = made("1girl, running").reasons

    assert reason == reasons.STILL_OF_MOTION.because(motion="running")


def test_a_clip_says_whose_model_it_is_and_nothing_of_motion(toon_motion: ModelCard) -> None:
    clip = made("1girl, running", type="video")

    assert codes(clip) == [("clip_model", "Model Toon motion")]
    assert made("1girl", type="video", model=toon_motion).reasons == []


def test_a_prompt_that_the_model_does_not_read_to_its_end_is_told(toon: ModelCard) -> None:
    limit = PromptDemands.of("", toon).limit

    found = made("pink " * (limit + 20))

    (reason,) = found.reasons
    assert reason.code == "prompt_cut"
    assert str(limit) in reason.chosen
    assert "Toon" in reason.why
    assert found.spec.prompt.startswith("pink pink"), "what was typed stays"


@pytest.mark.parametrize(("gigabytes", "together"), [(64, 16), (0.11, 8)])
def test_a_clip_is_drawn_in_smaller_windows_where_the_usual_does_not_fit_the_memory(
    gigabytes: float, together: int, toon_motion: ModelCard
) -> None:
    Device.objects.create(
        name="cuda:0",
        kind="cuda",
        works=list(Work),
        memory_bytes=int(gigabytes * 2**30),
        heartbeat_at=timezone.now(),
    )

    found = made(type="video", frames=32, model=toon_motion)

    assert found.spec.context_frames == together
    told = ("window_not_held", "8 frames at once")
    assert (told in codes(found)) is (together == 8)


def test_a_clip_is_drawn_in_smaller_windows_while_others_use_the_memory(
    toon_motion: ModelCard,
) -> None:
    Device.objects.create(
        name="cuda:0",
        kind="cuda",
        works=list(Work),
        memory_bytes=64 * 2**30,
        free_bytes=int(0.1 * 2**30),
        heartbeat_at=timezone.now(),
    )

    found = made(type="video", frames=32, model=toon_motion)

    assert found.spec.context_frames == 8
    assert codes(found) == [("window_not_free", "8 frames at once")]
