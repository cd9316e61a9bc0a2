"""Dashboard, projects, boards and shots: what stands where, and a new shot."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from generation.models import Device
from generation.scheduling import waiting_reasons
from generation.states import Priority
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
    assert "Nothing waits. A new render starts at once." in html
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


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"pause": "after_job"}, "Takes no new work until a lead resumes it."),
        ({"heartbeat_at": None}, "Its worker was stopped."),
        ({"heartbeat_at": "2026-01-01T00:00:00Z"}, "Last heartbeat of its worker: 00:00:00 UTC."),
        ({"resident": ["toon"]}, "Ready, toon loaded."),
    ],
)
def test_a_device_that_does_nothing_says_why(
    fields: dict[str, object], said: str, client: Client, device: Device
) -> None:
    Device.objects.update(**fields)

    assert said in client.get("/").content.decode()


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


def add_shot(client: Client, **typed: object) -> object:
    return client.post("/projects/harbour/", {"name": "Old friends", **typed})


def test_a_new_shot_stands_behind_the_others_of_its_sequence(
    client: Client, project: Project
) -> None:
    arrival = Sequence.objects.create(project=project, slug="a", name="Arrival")
    Shot.objects.create(project=project, sequence=arrival, slug="z", name="Ferry", order=10)
    response = add_shot(client, sequence=arrival.pk, prompt="smiling")

    shot = Shot.objects.get(name="Old friends")
    assert response["Location"] == "/projects/harbour/old-friends/"  # type: ignore[index]
    assert (shot.slug, shot.prompt, shot.sequence) == ("old-friends", "smiling", arrival)
    assert board(client) == [("Arrival", ["Ferry", "Old friends"])]


@pytest.mark.parametrize("name", ["Arrival", "ARRIVAL!", "Sketches"])
def test_a_name_that_is_taken_is_told_and_what_was_typed_stays(
    name: str, client: Client, shot: Shot
) -> None:
    Shot.objects.update(slug="arrival")
    response = add_shot(client, name=name, description="At the pier.")
    html = response.content.decode()  # type: ignore[attr-defined]

    assert "This project has a shot of that name already." in html
    assert "At the pier." in html
    assert Shot.objects.count() == 1


def test_a_japanese_name_is_a_name(client: Client) -> None:
    add_shot(client, name="到着")
    add_shot(client, name="港の灯")

    arrival = Shot.objects.get(name="到着")
    assert re.fullmatch(r"shot-[a-z0-9]{6}", arrival.slug)
    assert client.get(arrival.get_absolute_url()).status_code == 200


def test_a_sequence_of_another_project_cannot_be_chosen(client: Client) -> None:
    other = Project.objects.create(slug="other", name="Other")
    sequence = Sequence.objects.create(project=other, slug="s", name="Theirs")
    response = add_shot(client, sequence=sequence.pk)

    assert "Select a valid choice" in response.content.decode()  # type: ignore[attr-defined]


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
