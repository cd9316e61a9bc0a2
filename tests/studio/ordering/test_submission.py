"""From a request to a spec: what is chosen when nobody chose, and whose word counts."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from generation.errors import SpecError
from generation.field import MAX_PROMPT_LENGTH
from generation.models import Job, ModelCard
from generation.scheduling.forecast import Forecaster
from generation.specs import Lora, Quality
from studio.models import Character, Project, Shot, Style, Take
from studio.models.project import SKETCHBOOK_SHOT
from studio.ordering import planner, submission
from studio.ordering.request import RenderRequest

pytestmark = pytest.mark.django_db


@pytest.fixture
def mika(project: Project) -> Character:
    return Character.objects.create(
        project=project,
        slug="mika",
        name="Mika",
        look="1girl, twin tails pink hair",
        negative_prompt="hat",
    )


@pytest.fixture
def ink(db: None) -> Style:
    return Style.objects.create(
        slug="ink", name="Ink", template="{prompt}, ink style", negative_prompt="colour"
    )


def spec_of(**asked: Any) -> Any:
    """The spec of a request for a smile, with what else was asked."""
    return planner.plan(Forecaster(), RenderRequest(**{"prompt": "smiling", **asked})).spec


@pytest.mark.parametrize(
    ("quality", "steps"), [(Quality.DRAFT, 8), (Quality.STANDARD, 20), (Quality.FINAL, 30)]
)
def test_the_steps_are_the_models_for_the_quality(
    quality: Quality, steps: int, toon: ModelCard
) -> None:
    assert spec_of(quality=quality).steps == steps


def test_what_nobody_chose_is_the_models(toon: ModelCard) -> None:
    ModelCard.objects.update(scheduler="EulerDiscreteScheduler")
    spec = spec_of()

    assert (spec.type, spec.model, spec.quality) == ("image", "toon", "standard")
    assert (spec.width, spec.height, spec.guidance) == (256, 256, 4.0)
    assert spec.scheduler == "EulerDiscreteScheduler"
    assert (spec.prompt, spec.negative_prompt, spec.loras) == ("smiling", "", ())


def test_a_seed_is_drawn_anew_each_time(toon: ModelCard) -> None:
    assert spec_of().seed != spec_of().seed


def test_zero_is_a_choice_too(toon: ModelCard) -> None:
    spec = spec_of(seed=0, guidance=0.0)

    assert (spec.seed, spec.guidance) == (0, 0.0)


def test_what_was_asked_wins_over_style_and_model(toon: ModelCard, ink: Style) -> None:
    ink.steps, ink.guidance = 60, 7.0
    spec = spec_of(style=ink, steps=3, guidance=2.5, width=128, height=192, seed=5)

    assert (spec.steps, spec.guidance) == (3, 2.5)
    assert (spec.width, spec.height, spec.seed) == (128, 192, 5)


def test_the_characters_look_stands_before_the_prompt_and_the_style_around_both(
    toon: ModelCard, mika: Character, ink: Style
) -> None:
    spec = spec_of(prompt=" smiling ", character=mika, style=ink, negative_prompt="blurry")

    assert spec.prompt == "1girl, twin tails pink hair, smiling, ink style"
    assert spec.negative_prompt == "blurry, hat, colour"


def test_a_character_without_a_look_adds_no_comma(toon: ModelCard, mika: Character) -> None:
    mika.look = mika.negative_prompt = " "

    assert spec_of(character=mika).prompt == "smiling"
    assert spec_of(character=mika).negative_prompt == ""


@pytest.mark.parametrize("prompt", ["a {red} cat", "{prompt}", "{0} {} }{", "%s"])
def test_braces_in_a_prompt_are_only_text(prompt: str, toon: ModelCard, ink: Style) -> None:
    assert spec_of(prompt=prompt, style=ink).prompt == f"{prompt}, ink style"


def test_a_text_that_is_too_long_by_itself_is_the_prompts_fault(toon: ModelCard) -> None:
    with pytest.raises(SpecError) as refused:
        spec_of(prompt="a" * (MAX_PROMPT_LENGTH + 1))

    assert (refused.value.field, refused.value.code) == ("prompt", "text_too_long")
    assert "2001" in refused.value.message


def test_a_text_that_is_too_long_with_the_style_says_so(toon: ModelCard, ink: Style) -> None:
    with pytest.raises(SpecError) as refused:
        spec_of(prompt="a" * MAX_PROMPT_LENGTH, style=ink)

    assert (refused.value.field, refused.value.code) == ("prompt", "prompt_with_words_too_long")
    assert "2011" in refused.value.message
    assert refused.value.allowed == "1 to 2000 characters in all"


def test_an_empty_prompt_is_refused_although_the_style_has_words(
    toon: ModelCard, ink: Style
) -> None:
    with pytest.raises(SpecError) as refused:
        spec_of(prompt="  ", style=ink)

    assert (refused.value.field, refused.value.code) == ("prompt", "text_empty")


@pytest.mark.parametrize(
    ("quality", "steps"), [(Quality.DRAFT, 16), (Quality.STANDARD, 40), (Quality.FINAL, 60)]
)
def test_a_styles_steps_are_its_finals_and_others_take_their_share(
    quality: Quality, steps: int, toon: ModelCard, ink: Style
) -> None:
    ink.steps = 60

    assert spec_of(style=ink, quality=quality).steps == steps


def test_a_share_of_few_steps_is_still_one(toon: ModelCard, ink: Style) -> None:
    ink.steps = 1

    assert spec_of(style=ink, quality=Quality.DRAFT).steps == 1


def test_a_style_may_have_an_opinion_on_guidance_scheduler_and_model(
    toon: ModelCard, ink: Style
) -> None:
    other = _other_model()
    ink.guidance, ink.scheduler, ink.model = 1.5, "DDIMScheduler", other
    spec = spec_of(style=ink)

    assert (spec.guidance, spec.scheduler, spec.model) == (1.5, "DDIMScheduler", "other")
    assert spec_of(style=ink, model=toon).model == "toon"


def test_a_styles_model_that_is_switched_off_is_passed_over(toon: ModelCard, ink: Style) -> None:
    ink.model = _other_model(is_active=False)

    assert spec_of(style=ink).model == "toon"


def test_without_any_model_the_answer_says_how_to_register_one(db: None) -> None:
    with pytest.raises(SpecError) as refused:
        spec_of()

    assert refused.value.field == "model"
    assert "register_model" in refused.value.allowed


def test_a_characters_lora_is_part_of_the_spec(toon: ModelCard, mika: Character) -> None:
    mika.lora.name, mika.lora_sha256, mika.lora_scale = "loras/m.safetensors", "b" * 64, 0.5

    assert spec_of(character=mika).loras == (
        Lora(file="loras/m.safetensors", sha256="b" * 64, scale=0.5),
    )


@pytest.mark.parametrize(
    ("field", "value"), [("width", 120), ("height", 264), ("steps", 151), ("seed", -1)]
)
def test_what_the_model_cannot_make_is_refused_before_anything_is_written(
    field: str, value: int, toon: ModelCard, artist: User, forecaster: Forecaster
) -> None:
    with pytest.raises(SpecError) as refused:
        submission.submit(forecaster, RenderRequest(**{"prompt": "smiling", field: value}), artist)

    assert refused.value.field == field
    assert not Job.objects.exists()
    assert not Project.objects.exists(), "not even a sketchbook"


def test_a_take_keeps_what_was_typed_and_the_job_what_is_rendered(
    toon: ModelCard, shot: Shot, artist: User, mika: Character, ink: Style, forecaster: Forecaster
) -> None:
    request = RenderRequest(prompt="smiling", shot=shot, character=mika, style=ink)
    take, made = submission.submit(forecaster, request, artist)

    take = Take.objects.get(pk=take.pk)
    assert (take.prompt, take.character, take.style) == ("smiling", mika, ink)
    assert (take.created_by, take.shot, take.draft) == (artist, shot, None)
    assert take.job.spec == made.spec
    assert (take.job.owner, take.job.model) == (artist, toon)


def test_a_render_of_no_project_goes_to_ones_own_sketchbook(
    toon: ModelCard, artist: User, reviewer: User, forecaster: Forecaster
) -> None:
    first, _ = submission.submit(forecaster, RenderRequest(prompt="smiling"), artist)
    second, _ = submission.submit(forecaster, RenderRequest(prompt="sad"), artist)
    others, _ = submission.submit(forecaster, RenderRequest(prompt="sad"), reviewer)

    book = first.shot.project
    assert book.name == "Sketchbook of artist"
    assert second.shot == first.shot
    assert others.shot.project != book
    assert list(book.memberships.values_list("user__username", "role")) == [("artist", "admin")]


def test_a_render_of_no_shot_goes_to_the_projects_sketches(
    toon: ModelCard, project: Project, artist: User, forecaster: Forecaster
) -> None:
    take, _ = submission.submit(
        forecaster, RenderRequest(prompt="smiling", project=project), artist
    )

    assert (take.shot.project, take.shot.slug) == (project, SKETCHBOOK_SHOT)
    assert take.job.scope == project.group


def _other_model(**fields: Any) -> ModelCard:
    return ModelCard.objects.create(
        **{
            "slug": "other",
            "name": "Other",
            "family": "stable-diffusion",
            "folder": "nowhere",
            "types": ["image"],
            **fields,
        }
    )
