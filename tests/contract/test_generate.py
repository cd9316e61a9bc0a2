"""POST /api/anime/generate: what is accepted, what it becomes and what the answer says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User

from generation.models import Device, Job, ModelCard
from generation.states import Priority
from studio.models import Character, Project, Shot, Style, Take
from studio.ordering import reasons, sentences
from tests.contract.asking import ACCEPTED, ESTIMATE, ESTIMATED, Caller
from tests.contract.conftest import History, Rows

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _a_model_and_a_device(toon: ModelCard, device: Device) -> None:
    """Every request here could be rendered."""


def spec_of(answer: dict[str, Any]) -> dict[str, Any]:
    return dict(Job.objects.get(pk=answer["job_id"]).spec_data)


def test_the_answer_holds_every_field_of_the_contract(api: Caller) -> None:
    answer = api.submit(quality="low")

    ACCEPTED.check(answer)
    assert answer["status"] == "queued"
    assert answer["progress"] == 0.0
    assert answer["queue_position"] == 1


def test_the_links_lead_on(api: Caller) -> None:
    answer = api.submit()

    links, job_id = answer["links"], answer["job_id"]
    assert links["self"] == f"http://testserver/api/anime/jobs/{job_id}"
    assert links["cancel"] == f"{links['self']}/cancel"
    assert links["web"] == f"http://testserver/jobs/{job_id}/"
    assert links["websocket"] == f"ws://testserver/ws/jobs/{job_id}/"
    assert api.get(urlsplit(links["self"]).path).json()["job_id"] == job_id
    assert api.post(urlsplit(links["cancel"]).path).json()["status"] == "cancelled"


def test_what_nobody_asked_for_comes_from_the_model_and_the_quality(api: Caller) -> None:
    answer = api.submit(prompt="1girl, red hair")

    spec = spec_of(answer)
    assert spec["prompt"] == "1girl, red hair"
    assert spec["negative_prompt"] == ""
    assert (spec["model"], spec["quality"], spec["steps"]) == ("toon", "standard", 20)
    assert (spec["width"], spec["height"], spec["guidance"]) == (256, 256, 4.0)
    assert spec["seed"] == answer["seed"]
    assert Job.objects.get(pk=answer["job_id"]).priority == Priority.NORMAL


def test_what_was_asked_for_is_rendered(api: Caller, toon: ModelCard) -> None:
    asked = {
        "prompt": "1girl, naïve 原画",
        "negative_prompt": "hat",
        "quality": "final",
        "priority": "high",
        "width": 128,
        "height": 200,
        "steps": 7,
        "guidance": 2.5,
        "seed": 2**32 - 1,
        "model": "toon",
    }

    answer = api.submit(**asked)

    spec, job = spec_of(answer), Job.objects.get(pk=answer["job_id"])
    assert {name: spec[name] for name in asked if name != "priority"} == {
        name: value for name, value in asked.items() if name != "priority"
    }
    assert (answer["seed"], answer["quality"]) == (2**32 - 1, "final")
    assert job.priority == Priority.HIGH


def test_two_renders_of_the_same_words_draw_two_seeds(api: Caller) -> None:
    assert api.submit()["seed"] != api.submit()["seed"]


@pytest.mark.parametrize(
    ("word", "quality", "steps"),
    [
        ("draft", "draft", 8),
        ("low", "draft", 8),
        ("standard", "standard", 20),
        ("medium", "standard", 20),
        ("final", "final", 30),
        ("high", "final", 30),
    ],
)
def test_low_medium_and_high_are_the_three_qualities(
    word: str, quality: str, steps: int, api: Caller
) -> None:
    answer = api.submit(quality=word)

    assert answer["quality"] == quality
    assert spec_of(answer)["steps"] == steps


@pytest.mark.parametrize("word", ["urgent", "high", "normal", "low"])
def test_every_priority_is_kept(word: str, api: Caller) -> None:
    assert api.job(api.submit(priority=word)["job_id"])["priority"] == word


def test_a_render_without_a_project_goes_to_ones_sketchbook(api: Caller, artist: User) -> None:
    first, second = api.submit(), api.submit()

    takes = [Take.objects.get(job=answer["job_id"]) for answer in (first, second)]
    assert {take.shot.project.slug for take in takes} == {f"sketchbook-{artist.pk}"}
    assert [take.number for take in takes] == [1, 2]
    assert [take.created_by for take in takes] == [artist, artist]


def test_a_render_of_a_project_becomes_a_take_of_its_shot(api: Caller, shot: Shot) -> None:
    answer = api.submit(project="harbour", shot="sh010")

    take = Take.objects.get(job=answer["job_id"])
    assert (take.shot, take.number, take.prompt) == (shot, 1, "1girl")
    assert Job.objects.get(pk=answer["job_id"]).scope == shot.project.group


def test_a_character_brings_its_look_and_its_project(api: Caller, project: Project) -> None:
    Character.objects.create(
        project=project, slug="mika", name="Mika", look="pink hair", negative_prompt="hat"
    )

    answer = api.submit(prompt="laughing", character="mika")

    spec, take = spec_of(answer), Take.objects.get(job=answer["job_id"])
    assert spec["prompt"] == "pink hair, laughing"
    assert spec["negative_prompt"] == "hat"
    assert take.shot.project == project
    assert (take.prompt, take.character.slug) == ("laughing", "mika")


def test_a_style_brings_its_words_and_settings(api: Caller, toon: ModelCard) -> None:
    Style.objects.create(
        slug="ink", name="Ink", template="ink drawing of {prompt}", guidance=3.0, steps=15
    )

    draft, final = (
        api.submit(style="ink", quality="draft"),
        api.submit(style="ink", quality="final"),
    )

    assert spec_of(draft)["prompt"] == "ink drawing of 1girl"
    assert spec_of(draft)["guidance"] == 3.0
    assert [spec_of(answer)["steps"] for answer in (draft, final)] == [4, 15]


def test_positions_count_from_one_in_the_order_of_the_queue(api: Caller) -> None:
    first, second = api.submit(), api.submit()
    urgent = api.submit(priority="urgent")

    assert [answer["queue_position"] for answer in (first, second, urgent)] == [1, 2, 1]
    positions = [
        api.job(answer["job_id"])["gpu_queue_position"] for answer in (urgent, first, second)
    ]
    assert positions == [1, 2, 3]


def test_a_render_never_seen_before_is_told_as_unknown(api: Caller) -> None:
    first, second = api.submit(), api.submit()

    assert first["estimated_seconds"] is None
    assert first["estimated_range"] is None
    assert first["estimated_time"] == "estimating"
    assert first["suggestion"] is None
    assert first["estimated_start"] is not None, "nothing is ahead of it"
    assert second["estimated_start"] is None, "what is ahead of it has no known end"


def test_a_known_render_is_told_with_its_range(api: Caller, history: History) -> None:
    history(*[30.0] * 8, steps=20, quality="standard")

    answer = api.submit()

    low, high = answer["estimated_range"]
    assert answer["estimated_seconds"] == pytest.approx(30.0, rel=0.02)
    assert 29.0 <= low < answer["estimated_seconds"] < high <= 31.0
    assert answer["estimated_time"] == "30 seconds"
    time = sentences.ESTIMATE.say(what="A standard of 256×256", time="30 seconds", span="30 s")
    assert answer["message"] == f"{time} {sentences.STARTS_NOW.say()}"
    assert api.submit()["estimated_start"] > answer["estimated_start"]


def test_an_answer_is_readable_in_a_terminal(api: Caller, history: History) -> None:
    history(*[30.0] * 8, steps=20, quality="standard")

    answer = api.post("/api/anime/generate", {"type": "image", "prompt": "1girl"})

    assert "256×256" in answer.content.decode()


def test_a_long_render_comes_with_a_cheaper_way(api: Caller, history: History) -> None:
    """The draft's time follows from the final's: it makes 8 steps of 30."""
    history(*[600.0] * 3, steps=30, quality="final")

    answer = api.submit(quality="final")

    assert answer["estimated_time"] == "10 minutes"
    assert answer["suggestion"] == sentences.DRAFT_SUGGESTED.say(time="3 minutes")
    assert api.submit(quality="draft")["suggestion"] is None


@pytest.fixture
def a_second_a_step(history: History) -> None:
    """Thirty, twenty and eight seconds for the three qualities, seen often enough to be sure."""
    for quality, steps in (("final", 30), ("standard", 20), ("draft", 8)):
        history(*[float(steps)] * 8, steps=steps, quality=quality)


NOTHING_FITS = sentences.NOTHING_FITS.template.partition("{")[0]
GIVES_UP = sentences.GIVES_UP.template.partition("{")[0]
SIZE = {"width": 256, "height": 256, "acceleration": 1}
"""What was named does not give way to the time."""


@pytest.mark.parametrize(
    ("seconds", "quality", "given_up"),
    [
        (31.0, "final", []),
        (29.0, "final", ["fewer_steps"]),
        (21.0, "standard", ["lower_quality"]),
        (8.5, "draft", ["lower_quality"]),
        (7, "draft", ["lower_quality", "fewer_steps"]),
    ],
)
def test_the_best_that_fits_the_time_is_chosen(
    seconds: float, quality: str, given_up: list[str], api: Caller, a_second_a_step: None
) -> None:
    answer = api.submit(finish_within=seconds, quality="standard", **SIZE)

    assert answer["quality"] == quality
    assert NOTHING_FITS not in answer["message"]
    assert (GIVES_UP in answer["message"]) is bool(given_up)
    told = api.job(answer["job_id"])["reasons"]
    assert [reason["code"] for reason in told] == given_up


def test_what_was_given_up_stands_on_the_job_with_its_reason(
    api: Caller, a_second_a_step: None
) -> None:
    answer = api.submit(finish_within=29.0, **SIZE)

    assert api.job(answer["job_id"])["reasons"] == [
        asdict(reasons.FEWER_STEPS.because(steps=22, usual=30, within="29 seconds"))
    ]


def test_waiting_counts_against_the_time(api: Caller, a_second_a_step: None) -> None:
    api.submit(quality="standard")

    assert api.submit(finish_within=31, **SIZE)["quality"] == "draft"


def test_it_is_said_when_nothing_fits_the_time(api: Caller, a_second_a_step: None) -> None:
    answer = api.submit(finish_within=5, **SIZE)

    assert answer["quality"] == "draft"
    assert sentences.NOTHING_FITS.say(bound="6.1 seconds") in answer["message"]
    assert GIVES_UP in answer["message"]


def test_nothing_is_claimed_of_a_time_that_nobody_knows(api: Caller) -> None:
    answer = api.submit(finish_within=7)

    assert answer["quality"] == "draft"
    assert NOTHING_FITS not in answer["message"]


def test_an_estimate_tells_the_same_and_starts_nothing(
    api: Caller, history: History, rows: Callable[[], Rows]
) -> None:
    history(2.0, 3.0, 10.0, steps=20, quality="standard")
    before = rows()
    asked = {"type": "image", "prompt": "1girl", "priority": "high", "seed": 3, "guidance": 4.0}

    answer = api.get(ESTIMATE, asked)

    assert answer.status_code == 200
    assert rows() == before
    ESTIMATED.check(answer.json())
    accepted = api.submit(**asked)
    for name in ("queue_position", "estimated_seconds", "estimated_range", "message", "quality"):
        assert answer.json()[name] == accepted[name], name


def test_an_estimate_reads_numbers_from_its_query(api: Caller, history: History) -> None:
    history(*[15.0] * 4, width=128, height=136, steps=5)
    history(*[24.0] * 4, width=128, height=136, steps=8)
    size = {"type": "image", "prompt": "7", "width": 128, "height": "136", "guidance": "4.0"}

    exact = api.get(ESTIMATE, {**size, "steps": "5", "seed": "9"})
    quick = api.get(ESTIMATE, {**size, "finish_within": "25"})

    assert exact.status_code == quick.status_code == 200, exact.content + quick.content
    assert exact.json()["estimated_seconds"] == pytest.approx(15.0, rel=0.02)
    assert quick.json()["quality"] == "draft"
    assert quick.json()["estimated_seconds"] == pytest.approx(24.0, rel=0.02)
