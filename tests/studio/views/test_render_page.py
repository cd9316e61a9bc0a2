"""The render form: what it starts with, what it will take, and that nothing typed is lost."""

from __future__ import annotations

import re
from dataclasses import astuple
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from generation.models import Device, Job, ModelCard
from generation.refusals import TEXT_EMPTY
from generation.specs import Quality
from generation.states import Priority
from studio.models import Character, Project, Shot, Style, Take
from studio.ordering import reasons, sentences
from studio.presentation import durations
from tests.studio.conftest import PROMPT, LogIn, MakeTake, Took

pytestmark = pytest.mark.django_db

TYPED = {"prompt": PROMPT, "quality": "draft", "priority": "2"}


@pytest.fixture
def client(log_in: LogIn, artist: User, toon: ModelCard) -> Client:
    return log_in(artist)


@pytest.fixture
def mika(project: Project) -> Character:
    return Character.objects.create(project=project, slug="mika", name="Mika", look="1girl")


@pytest.fixture
def ink(db: None) -> Style:
    return Style.objects.create(slug="ink", name="Ink", template="{prompt}, ink style")


def submit(client: Client, **typed: Any) -> HttpResponse:
    return client.post(reverse("render"), {**TYPED, **typed})


def initial_of(client: Client, **query: Any) -> dict[str, Any]:
    return client.get(reverse("render"), query).context["form"].initial


def test_a_complete_form_submits_and_leads_to_the_job(client: Client, shot: Shot) -> None:
    response = submit(client, shot=shot.pk, seed="7", width="128", height="192")

    take = Take.objects.get()
    assert response["Location"] == reverse("job", args=[take.job_id])
    spec = take.job.spec
    assert (take.shot, take.prompt, spec.seed) == (shot, PROMPT, 7)
    assert (spec.width, spec.height, spec.quality) == (128, 192, "draft")


def test_only_the_prompt_has_to_be_said(client: Client, artist: User) -> None:
    submit(client)

    take = Take.objects.get()
    assert take.shot.project.slug == f"sketchbook-{artist.pk}"
    assert (take.job.spec.width, take.job.spec.steps) == (256, 8)


def test_character_and_style_go_along(client: Client, mika: Character, ink: Style) -> None:
    submit(client, character=mika.pk, style=ink.pk, prompt="smiling")

    assert Take.objects.get().job.spec.prompt == "1girl, smiling, ink style"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("prompt", "", "This field is required."),
        ("prompt", "a" * 2001, "at most 2000 characters"),
        ("quality", "best", "Select a valid choice."),
        ("priority", "9", "Select a valid choice."),
        ("width", "100", "step size 8"),
        ("width", "64", "multiples of 8 from 128 to 256"),
        ("height", "512", "multiples of 8 from 128 to 256"),
        ("steps", "151", "less than or equal to 150"),
        ("guidance", "-1", "greater than or equal to 0"),
        ("guidance", "nan", "Enter a number."),
        ("seed", str(2**32), "less than or equal to 4294967295"),
        ("seed", "7.5", "Enter a whole number."),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_nothing_is_started(
    field: str, value: str, said: str, client: Client
) -> None:
    response = submit(client, **{field: value})

    assert response.status_code == 200
    assert said in str(response.context["form"].errors[field])
    assert not Job.objects.exists()


def test_what_was_typed_stays_when_something_is_wrong(
    client: Client, shot: Shot, mika: Character, ink: Style
) -> None:
    response = submit(
        client,
        shot=shot.pk,
        character=mika.pk,
        style=ink.pk,
        quality="final",
        priority="1",
        negative_prompt="blurry",
        seed="41",
        width="64",
    )
    html = response.content.decode()

    assert f">\n{PROMPT}</textarea>" in html
    assert ">\nblurry</textarea>" in html
    assert 'name="seed" value="41"' in html
    assert 'name="width" value="64"' in html
    for thing in (shot, mika, ink):
        assert f'<option value="{thing.pk}" selected>{thing.name}</option>' in html
    assert re.search('<input[^>]*value="final"[^>]* checked', html)
    assert '<option value="1" selected>High</option>' in html
    assert '<details class="more" open>' in html, "the wrong field must be in sight"


def test_a_text_that_is_too_long_with_its_style_is_told_at_the_prompt(
    client: Client, ink: Style
) -> None:
    response = submit(client, prompt="a" * 2000, style=ink.pk)

    form = response.context["form"]
    assert form.has_error("prompt", "prompt_with_words_too_long")
    assert "Allowed: 1 to 2000 characters in all." in str(form.errors["prompt"])


def test_what_no_model_makes_is_told_where_it_was_chosen(client: Client) -> None:
    ModelCard.objects.update(types=["video"])

    form = submit(client).context["form"]
    (problem,) = form.errors["type"]
    assert form.has_error("type", "no_model_for_type")
    assert problem.endswith("Allowed: video.")


def test_a_clip_is_asked_for_with_its_length(
    client: Client, shot: Shot, toon_motion: ModelCard
) -> None:
    submit(client, type="video", duration="1.5", loop="on", interpolate="2", formats=["gif"])

    spec = Job.objects.get().spec
    assert (spec.type, spec.model, spec.frames, spec.fps) == ("video", "toon-motion", 12, 8.0)
    assert (spec.loop, spec.delivered_frames, spec.delivered_fps) == (True, 24, 16.0)
    assert spec.formats == ("gif",)


def test_what_was_typed_for_a_clip_is_not_asked_of_a_picture(client: Client, shot: Shot) -> None:
    submit(client, type="image", duration="1.5", loop="on", interpolate="2")

    assert (Job.objects.get().spec.frames, Job.objects.get().spec.loop) == (1, False)


def test_a_clip_begins_with_the_picture_in_the_address(
    client: Client, finished: MakeTake, toon_motion: ModelCard
) -> None:
    take = finished()
    output = take.job.outputs.get()
    Device.objects.update(memory_bytes=32 * 2**30)

    page = client.get(reverse("render"), {"take": take.pk, "source": str(output.pk)})
    submit(client, type="video", source=str(output.pk))

    assert f"Begins with {take}" in page.content.decode()
    spec = Job.objects.order_by("-submitted_at")[0].spec
    assert spec.source is not None
    assert (spec.source.sha256, spec.source.use) == (output.sha256, "first_frame")


def test_a_strangers_picture_begins_nothing(
    client: Client, finished: MakeTake, log_in: LogIn, stranger: User, toon_motion: ModelCard
) -> None:
    output = finished().job.outputs.get()

    response = log_in(stranger).post(
        reverse("render"), {**TYPED, "shot": "", "type": "video", "source": str(output.pk)}
    )

    assert "source" in response.context["form"].errors


def test_without_a_model_the_form_says_how_to_get_one(client: Client) -> None:
    ModelCard.objects.all().delete()

    assert "manage.py register_model" in submit(client).content.decode()


def test_things_of_other_projects_cannot_be_chosen(client: Client) -> None:
    elsewhere = Project.objects.create(slug="elsewhere", name="Elsewhere")
    shot = Shot.objects.create(project=elsewhere, slug="sh1", name="Secret shot")
    character = Character.objects.create(
        project=elsewhere, slug="spy", name="Secret spy", look="1boy"
    )
    style = Style.objects.create(project=elsewhere, slug="own", name="Secret style")

    assert "Secret" not in client.get(reverse("render")).content.decode()
    response = submit(client, shot=shot.pk, character=character.pk, style=style.pk)
    assert set(response.context["form"].errors) == {"shot", "character", "style"}


def test_shots_stand_under_their_projects_and_the_sketchbook_is_no_shot(
    client: Client, shot: Shot
) -> None:
    submit(client)
    html = client.get(reverse("render")).content.decode()

    assert '<optgroup label="Harbour">' in html
    assert '<option value="" selected>My sketchbook</option>' in html
    assert "Sketches</option>" not in html


def test_the_address_may_name_a_shot_a_character_and_a_style(
    client: Client, shot: Shot, mika: Character, ink: Style
) -> None:
    Shot.objects.update(prompt="at the pier")
    found = initial_of(client, shot="harbour/sh010", character="mika", style="ink")

    assert found == {
        "shot": shot.pk,
        "prompt": "at the pier",
        "character": mika.pk,
        "style": ink.pk,
    }


def test_a_prompt_in_the_address_wins_over_the_shots_own(client: Client, shot: Shot) -> None:
    Shot.objects.update(prompt="at the pier")

    assert initial_of(client, shot="harbour/sh010", prompt="sad")["prompt"] == "sad"


def test_a_retake_starts_with_the_words_and_settings_of_its_take(
    client: Client, queued: MakeTake, mika: Character, ink: Style, shot: Shot
) -> None:
    take = queued(character=mika, style=ink, seed=7, priority=Priority.HIGH)
    found = initial_of(client, take=take.pk)

    assert found == {
        "shot": shot.pk,
        "prompt": PROMPT,
        "character": mika.pk,
        "style": ink.pk,
        "quality": "draft",
        "priority": Priority.HIGH,
        "type": "image",
        "width": 128,
        "height": 128,
        "upscale": 1,
    }
    assert "seed" not in found, "the same seed would draw the same picture"


@pytest.mark.parametrize("query", [{"shot": "harbour"}, {"shot": "a/b"}, {"character": "x"}])
def test_what_the_address_names_wrongly_is_ignored(query: dict[str, str], client: Client) -> None:
    assert initial_of(client, **query) == {}


@pytest.mark.parametrize("take", ["x", "²", "-1", ""])
def test_a_take_that_is_no_number_is_ignored(take: str, client: Client) -> None:
    assert client.get(reverse("render"), {"take": take}).status_code == 200


@pytest.mark.parametrize("take", ["999", "9" * 30])
def test_a_take_that_is_not_there_is_told(take: str, client: Client) -> None:
    assert client.get(reverse("render"), {"take": take}).status_code == 404


def test_a_retake_of_a_strangers_take_is_not_there(
    queued: MakeTake, log_in: LogIn, stranger: User
) -> None:
    response = log_in(stranger).get(reverse("render"), {"take": queued().pk})

    assert response.status_code == 404


def estimate(client: Client, **typed: Any) -> str:
    response = client.post(reverse("render-estimate"), {**TYPED, **typed})
    assert response.status_code == 200
    html: str = response.content.decode()
    assert html.count('id="expectation"') == 1
    return html


def test_the_estimate_waits_for_a_complete_form(client: Client) -> None:
    assert "The form is not complete yet." in estimate(client, prompt="")
    assert "Describe the picture" in client.get(reverse("render")).content.decode()


def test_the_estimate_of_something_new_is_estimating(client: Client, device: Device) -> None:
    html = estimate(client)

    assert "<strong>estimating</strong>" in html
    assert "256×256, 8 steps, Toon · position 1 in the queue" in html


def test_the_estimate_of_something_known_names_time_range_and_a_cheaper_way(
    client: Client, took: Took
) -> None:
    took({Quality.FINAL: 300.0})

    html = estimate(client, quality="final", width="128", height="128")

    assert "<strong>About 5 minutes</strong>" in html
    time = sentences.ESTIMATE.say(what="A final of 128×128", time="5 minutes", span="5 min")
    assert durations.unbroken(f"{time} {sentences.STARTS_NOW.say()}") in html
    assert sentences.DRAFT_SUGGESTED.say(time="80 seconds") in html


def test_the_form_asks_how_soon_in_minutes_and_tells_what_that_costs(
    client: Client, took: Took
) -> None:
    took({Quality.FINAL: 300.0})

    html = estimate(client, width="128", height="128", within="4")

    assert sentences.GIVES_UP.say(given_up="22 steps instead of 30") in html
    submit(client, width="128", height="128", within="4")
    assert (job := Job.objects.latest("submitted_at")).spec.steps == 22
    reason = reasons.FEWER_STEPS.because(steps=22, usual=30, within="4 minutes")
    assert job.reasons == [list(astuple(reason))]


@pytest.mark.parametrize(
    ("typed", "chosen", "said"),
    [
        ({"prompt": "pink hair, " * 20}, "The first 32 tokens of the prompt", "62 tokens"),
        ({"negative_prompt": "sad, " * 20}, "The first 32 tokens of the negative", "42 tokens"),
        ({"prompt": "少女"}, "0 % of the prompt read as words", "Toon knows almost none"),
        ({"prompt": "(smile:1.2)"}, "“(smile:1.2)” as plain text", "no weights"),
        ({"negative_prompt": "<lora:x:1>"}, "“&lt;lora:x:1&gt;” as plain text", "no LoRA"),
    ],
)
def test_the_estimate_tells_what_of_a_prompt_is_not_read(
    typed: dict[str, str], chosen: str, said: str, client: Client
) -> None:
    html = estimate(client, **typed)

    assert f"<strong>{chosen}" in html
    assert said in html


def test_a_prompt_of_nothing_visible_is_refused_where_it_was_typed(client: Client) -> None:
    assert TEXT_EMPTY.say() in estimate(client, prompt="\u200b\ufeff")

    response = submit(client, prompt="\u200b\ufeff")

    assert not Job.objects.exists()
    (problem,) = response.context["form"].errors.as_data()["prompt"]
    assert problem.code == TEXT_EMPTY.code


def test_the_estimate_tells_what_the_engine_would_refuse(client: Client) -> None:
    html = estimate(client, width="64")

    assert "Allowed: multiples of 8 from 128 to 256." in html
    assert "Allowed: multiples of 8 from 128 to 256." in html


def test_an_estimate_starts_nothing(client: Client) -> None:
    estimate(client)

    assert not Job.objects.exists()
    assert not Project.objects.exists()
