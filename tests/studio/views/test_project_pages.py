"""Dashboard, projects, boards and shots: what stands where, and a new shot."""

from __future__ import annotations

import re
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils.encoding import iri_to_uri

from generation.scheduling import waiting_reasons
from generation.states import Priority
from studio.live.sentences import STARTS_WITH_A_DEVICE
from studio.models import Membership, Project, Sequence, Shot
from tests.studio.conftest import PROMPT, LogIn, MakeTake

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(log_in: LogIn, artist: User, project: Project) -> Client:
    return log_in(artist)


def board(client: Client) -> list[tuple[str | None, list[str]]]:
    """The board's sequences with the names of their shots."""
    groups = client.get("/projects/harbour/").context["board"]
    return [
        (
            group["sequence"] and group["sequence"].name,
            [card["shot"].name for card in group["cards"]],
        )
        for group in groups
    ]


def test_an_empty_dashboard_says_what_to_do_next(client: Client) -> None:
    html = client.get("/").content.decode()

    assert "No worker is running. Renders wait safely in the queue." in html
    assert f"Nothing waits. {STARTS_WITH_A_DEVICE.say()}" in html
    assert "Nothing has finished yet." in html


def test_the_dashboard_shows_the_device_at_work_and_the_queue_in_order(
    client: Client, running: MakeTake, queued: MakeTake, colleague: User
) -> None:
    running()
    normal = queued(user=colleague)
    urgent = queued(priority=Priority.URGENT)
    html = client.get("/").content.decode()

    assert "Denoising, step 2 of 8" in html
    assert html.index(f"/jobs/{urgent.job_id}/") < html.index(f"/jobs/{normal.job_id}/")
    assert 'data-owner="colleague"' in html
    assert f"{waiting_reasons.NEXT.say()} {waiting_reasons.ONLY_DEVICE.say(device='cpu:0')}" in html
    assert waiting_reasons.NO_ESTIMATE.say() in html


def test_a_stranger_sees_that_a_device_works_and_neither_prompt_nor_picture(
    running: MakeTake, finished: MakeTake, log_in: LogIn, stranger: User
) -> None:
    finished()
    running()
    html = log_in(stranger).get("/").content.decode()

    assert "Denoising, step 2 of 8" in html
    assert PROMPT not in html
    assert "data:image" not in html
    assert "/outputs/" not in html


def test_a_member_sees_the_preview_of_the_running_render(client: Client, running: MakeTake) -> None:
    running()

    assert "data:image/webp;base64,UklGRg==" in client.get("/").content.decode()


def test_what_finished_is_shown_with_its_time_the_newest_first(
    client: Client, finished: MakeTake
) -> None:
    for _ in range(9):
        finished()
    html = client.get("/").content.decode()

    assert re.findall(r"Arrival · Take (\d+)", html) == ["9", "8", "7", "6", "5", "4", "3", "2"]


def test_a_long_queue_names_how_many_more_there_are(
    client: Client, queued: MakeTake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("studio.live.fragments.QUEUE_SHOWN", 2)
    for _ in range(5):
        queued()

    assert "and 3 more" in client.get("/").content.decode()


def test_projects_count_their_shots_and_takes(client: Client, queued: MakeTake, shot: Shot) -> None:
    Shot.objects.create(project=shot.project, slug="sh020", name="Gulls")
    queued()
    queued()
    Project.objects.create(slug="secret", name="Secret project")
    html = client.get("/projects/").content.decode()

    assert "2 shots · 2 takes" in html
    assert "Secret" not in html


def test_who_is_in_no_project_is_told_how_to_get_in(log_in: LogIn, stranger: User) -> None:
    html = log_in(stranger).get("/projects/").content.decode()

    assert "You are not a member of any project yet." in html
    assert "Render into your sketchbook" in html


def test_shots_stand_under_their_sequences_in_the_productions_order(
    client: Client, project: Project
) -> None:
    # Two sequences of the same order must not be torn into pieces.
    second = Sequence.objects.create(project=project, slug="b", name="Night")
    first = Sequence.objects.create(project=project, slug="a", name="Arrival")
    for order, (sequence, name) in enumerate(
        [(first, "Ferry"), (second, "Stairs"), (first, "Gulls"), (second, "Lamp")]
    ):
        Shot.objects.create(
            project=project, sequence=sequence, slug=name.lower(), name=name, order=order
        )

    assert board(client) == [("Arrival", ["Ferry", "Gulls"]), ("Night", ["Stairs", "Lamp"])]


def test_an_empty_board_opens_the_form_for_the_first_shot(client: Client) -> None:
    html = client.get("/projects/harbour/").content.decode()

    assert "No shot yet. Add the first one below." in html
    assert '<details class="more" open>' in html


def add_shot(client: Client, **typed: object) -> Any:
    return client.post("/projects/harbour/", {"name": "Old friends", **typed})


def test_a_new_shot_stands_behind_the_others_of_its_sequence(
    client: Client, project: Project
) -> None:
    arrival = Sequence.objects.create(project=project, slug="a", name="Arrival")
    Shot.objects.create(project=project, sequence=arrival, slug="z", name="Ferry", order=10)
    response = add_shot(client, sequence=arrival.pk, prompt="smiling")

    shot = Shot.objects.get(name="Old friends")
    assert response["Location"] == "/projects/harbour/old-friends/"
    assert (shot.slug, shot.prompt, shot.sequence) == ("old-friends", "smiling", arrival)
    assert board(client) == [("Arrival", ["Ferry", "Old friends"])]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Arrival", "name_taken"),
        ("ARRIVAL", "name_taken"),
        ("\uff21rrival", "name_taken"),
        ("Arri\u200bval", "name_taken"),
        ("Sketches", "name_reserved"),
        ("\u200b", "name_invisible"),
    ],
)
def test_a_name_that_cannot_be_had_is_told_and_what_was_typed_stays(
    name: str, code: str, client: Client, shot: Shot
) -> None:
    response = add_shot(client, name=name, description="At the pier.")

    (error,) = response.context["form"].errors.as_data()["name"]
    assert error.code == code
    assert code != "name_taken" or "sh010" in error.message
    assert "At the pier." in response.content.decode()
    assert Shot.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_shot_that_two_people_add_at_once_is_there_once(client: Client, reviewer: User) -> None:
    other = Client()
    other.force_login(reviewer)
    with ThreadPoolExecutor() as people:
        answers = list(people.map(_add_and_leave, [client, other] * 3))

    assert sorted(answers) == [200] * 5 + [302]
    assert Shot.objects.filter(name="Old friends").count() == 1


def _add_and_leave(client: Client) -> int:
    try:
        return int(add_shot(client).status_code)
    finally:
        connection.close()


def test_names_that_differ_have_addresses_that_differ(client: Client) -> None:
    for name in ("Arrival", "Arrival!", "🌊", "🌊🌊", "Calibration!"):
        assert add_shot(client, name=name).status_code == 302, name

    slugs = {shot.name: shot.slug for shot in Shot.objects.all()}
    assert slugs == {
        "Arrival": "arrival",
        "Arrival!": "arrival-2",
        "🌊": "shot-1",
        "🌊🌊": "shot-2",
        "Calibration!": "calibration-2",
    }


def test_shots_named_in_japanese_have_addresses_in_japanese(client: Client) -> None:
    names = ["港の灯り 第3カット", "屋上の夕焼け 第3カット"]
    responses = [add_shot(client, name=name) for name in names]

    slugs = [Shot.objects.get(name=name).slug for name in names]
    assert slugs == ["港の灯り-第3カット", "屋上の夕焼け-第3カット"]
    for response, slug in zip(responses, slugs, strict=True):
        assert response["Location"] == iri_to_uri(f"/projects/harbour/{slug}/")
        html = client.get(response["Location"]).content.decode()
        assert f'href="/render/?shot=harbour/{quote(slug)}"' in html


def test_an_address_is_found_as_any_keyboard_writes_it(client: Client, project: Project) -> None:
    Project.objects.update(slug="ガラス")
    add_shot_to = reverse("project", args=["ガラス"])
    client.post(add_shot_to, {"name": "ボート"})

    for written in ("ボート", unicodedata.normalize("NFD", "ボート"), "ﾎﾞｰﾄ"):
        assert client.get(f"{add_shot_to}{quote(written)}/").status_code == 200
    live = client.get(reverse("shot", args=["ガラス", "ボート"])).context["live_path"]
    assert live == f"/ws/live/project/{quote('ガラス')}/"


def test_a_sequence_of_another_project_cannot_be_chosen(client: Client) -> None:
    other = Project.objects.create(slug="other", name="Other")
    sequence = Sequence.objects.create(project=other, slug="s", name="Theirs")
    response = add_shot(client, sequence=sequence.pk)

    assert "Select a valid choice" in response.content.decode()


def test_a_shot_without_takes_offers_the_first(client: Client, shot: Shot) -> None:
    html = client.get(shot.get_absolute_url()).content.decode()

    assert "No take yet." in html
    assert 'href="/render/?shot=harbour/sh010"' in html


def test_a_shot_shows_its_takes_the_newest_first_and_a_prompt_as_text(
    client: Client, finished: MakeTake, queued: MakeTake, shot: Shot
) -> None:
    finished()
    queued(prompt="<img src=x onerror=alert(1)>")
    html = client.get(shot.get_absolute_url()).content.decode()

    assert re.findall(r"Take (\d)</a>", html) == ["2", "1"]
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    assert "<img src=x" not in html


def test_a_shot_of_another_project_of_ones_own_is_not_there(
    client: Client, shot: Shot, artist: User
) -> None:
    other = Project.objects.create(slug="other", name="Other")
    Membership.objects.create(project=other, user=artist)

    assert client.get(reverse("shot", args=["other", shot.slug])).status_code == 404
