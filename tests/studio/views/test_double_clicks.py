"""A double click on a button makes one thing, and leads to where one click leads."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from generation.models import Device, Job, ModelCard
from studio.models import ApiToken, IdempotencyKey, Review, Shot, Take
from tests.studio.conftest import LogIn, MakeTake, fresh

RENDER = {"prompt": "1girl", "quality": "draft", "priority": "2", "interpolate": "1"}
RENDER |= {"upscale": "1", "acceleration": ""}
WITHOUT = {
    "bar.html": "logging out twice is logging out",
    "queue_form.html": "its actions set a state, and it is sent many times without a new paint",
}
"""Forms without a one-time value, with the reason."""

Press = tuple[str, str, dict[str, Any], str]
"""The page with the form, the address it is sent to, its fields and who sends it."""


@pytest.fixture
def press(
    request: pytest.FixtureRequest, finished: MakeTake, sent: MakeTake, queued: MakeTake
) -> Callable[[str], Press]:
    """What each button needs."""

    def prepare(button: str) -> Press:
        if button in ("review", "enhance"):
            take = finished()
            fields = {"upscale": "2", "interpolate": "1"} if button == "enhance" else {}
            return f"/takes/{take.pk}/", f"/takes/{take.pk}/{button}/", fields, "artist"
        if button in ("approve", "changes"):
            take = sent()
            fields = {"comment": "The eyes."}
            return f"/takes/{take.pk}/", f"/takes/{take.pk}/{button}/", fields, "reviewer"
        if button in ("pause", "calibrate"):
            device = request.getfixturevalue("device")
            address = f"/devices/{device.pk}/{button}/"
            return "/", address, {"pause": "after_job"} if button == "pause" else {}, "boss"
        if button == "render":
            return "/render/", "/render/", RENDER, "artist"
        if button == "shot":
            return "/projects/harbour/", "/projects/harbour/", {"name": "Departure"}, "artist"
        if button == "revoke":
            token, _ = ApiToken.issue(request.getfixturevalue("artist"), "script")
            return "/tokens/", f"/tokens/{token.pk}/revoke/", {}, "artist"
        state = {"retry": "cancelled", "release": "held", "cancel": "running"}.get(button, "queued")
        if button == "front":
            queued()
        take = request.getfixturevalue("take_in")(state)
        fields = {"priority": "1"} if button == "priority" else {}
        return f"/jobs/{take.job_id}/", f"/jobs/{take.job_id}/{button}/", fields, "artist"

    return prepare


def one_time_value(client: Client, page: str) -> str:
    """The value in the first form of a page."""
    found = re.search(r'name="once" value="([\w-]+)"', client.get(page).content.decode())
    assert found is not None, page
    return found[1]


def told(response: HttpResponse) -> list[str]:
    return [message.extra_tags for message in get_messages(response.wsgi_request)]


def made() -> list[int]:
    return [table.objects.count() for table in (Job, Take, Shot, Review, ApiToken)]


BUTTONS = (
    *("render", "clone", "enhance", "retry", "review", "approve", "changes", "shot", "revoke"),
    *("cancel", "hold", "release", "front", "priority", "pause", "calibrate"),
)


@pytest.mark.django_db
@pytest.mark.parametrize("button", BUTTONS)
def test_a_double_click_makes_one_thing_and_leads_to_the_same_place(
    button: str,
    press: Callable[[str], Press],
    log_in: LogIn,
    device: Device,
    boss: User,
    request: pytest.FixtureRequest,
) -> None:
    page, address, fields, who = press(button)
    client = log_in(request.getfixturevalue(who))
    sent_form = {**fields, "once": one_time_value(client, page)}

    first = client.post(address, sent_form)
    said, after = told(first), made()
    second = client.post(address, sent_form)

    assert (first.status_code, second.status_code) == (302, 302)
    assert second.url == first.url
    assert told(second) == said
    assert made() == after


@pytest.mark.django_db
def test_two_clicks_on_a_form_whose_text_the_page_keeps_make_one_thing(
    log_in: LogIn, artist: User, toon: ModelCard
) -> None:
    client = log_in(artist)
    sent_form = {**RENDER, "once": one_time_value(client, "/render/")}

    drafts = ("0" * 16, "f" * 16)
    answers = [client.post("/render/", {**sent_form, "draft": draft}) for draft in drafts]

    assert answers[0].url == answers[1].url
    assert Job.objects.count() == 1
    for draft, answer in zip(drafts, answers, strict=True):
        assert f"genga_taken_{draft}" in answer.cookies


@pytest.mark.django_db
def test_every_paint_has_another_value(log_in: LogIn, artist: User, toon: ModelCard) -> None:
    client = log_in(artist)

    assert one_time_value(client, "/render/") != one_time_value(client, "/render/")


@pytest.mark.django_db
def test_a_form_that_was_changed_after_going_back_is_a_new_one(
    log_in: LogIn, artist: User, toon: ModelCard
) -> None:
    client = log_in(artist)
    value = one_time_value(client, "/render/")

    for prompt in ("1girl", "2girls"):
        assert client.post("/render/", {**RENDER, "prompt": prompt, "once": value}).status_code
    assert Job.objects.count() == 2


@pytest.mark.django_db
def test_a_script_may_leave_the_value_out(log_in: LogIn, artist: User, toon: ModelCard) -> None:
    client = log_in(artist)

    first, second = client.post("/render/", RENDER), client.post("/render/", RENDER)

    assert first.url != second.url
    assert Job.objects.count() == 2


@pytest.mark.django_db
def test_a_form_that_was_refused_can_be_sent_again(
    log_in: LogIn, artist: User, take_in: MakeTake, toon: ModelCard
) -> None:
    take, client = take_in("cancelled"), log_in(artist)
    address = f"/jobs/{take.job_id}/retry/"
    sent_form = {"once": one_time_value(client, f"/jobs/{take.job_id}/")}
    ModelCard.objects.update(is_active=False)
    assert told(client.post(address, sent_form)) == ["retry_refused"]
    assert not IdempotencyKey.objects.exists()

    ModelCard.objects.update(is_active=True)
    client.post(address, sent_form)

    assert fresh(take).job.status == "queued"


@pytest.mark.django_db
@pytest.mark.parametrize("value", ["\x00", "é" * 5000, "x y", "'"])
def test_any_value_is_taken(value: str, log_in: LogIn, artist: User, toon: ModelCard) -> None:
    client = log_in(artist)

    first, second = (client.post("/render/", {**RENDER, "once": value}) for _ in range(2))

    assert (first.status_code, second.url) == (302, first.url)


@pytest.mark.django_db
def test_two_clicks_make_one_token_and_show_a_secret_that_works(
    log_in: LogIn, artist: User
) -> None:
    client = log_in(artist)
    sent_form = {"name": "script", "scopes": ["read"], "once": one_time_value(client, "/tokens/")}

    client.post("/tokens/", sent_form)
    html = client.post("/tokens/", sent_form).content.decode()

    secret = re.findall(r"genga_[\w-]{40,}", html)[0]
    assert ApiToken.objects.count() == 1
    assert ApiToken.owner_of(secret) == artist
    # A script uses it now: sending the form again, by a reload, must not stop the script.
    again = client.post("/tokens/", sent_form)
    assert again.context["secret"] == ""
    assert [message.extra_tags for message in again.context["messages"]] == ["token_made_before"]
    assert ApiToken.owner_of(secret) == artist


@pytest.mark.django_db(transaction=True)
def test_two_clicks_while_the_answer_is_late_make_one_job(
    log_in: LogIn, artist: User, toon: ModelCard
) -> None:
    clients = [log_in(artist) for _ in range(4)]
    sent_form = {**RENDER, "once": one_time_value(clients[0], "/render/")}
    start = Barrier(len(clients))

    def click(client: Client) -> str:
        try:
            start.wait()
            return str(client.post("/render/", sent_form).url)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(clients)) as threads:
        places = set(threads.map(click, clients))

    assert places == {f"/jobs/{Job.objects.get().pk}/"}


def test_every_form_that_is_posted_carries_a_one_time_value() -> None:
    templates = settings.BASE_DIR / "templates"
    for path in [*templates.glob("studio/*.html"), *templates.glob("fragments/**/*.html")]:
        html = path.read_text()
        forms = html.count('method="post"')
        assert html.count("{% one_time %}") == (0 if path.name in WITHOUT else forms), path.name
