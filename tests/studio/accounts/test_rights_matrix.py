"""The rights matrix: every address, call, file and socket, asked for by nine kinds of people."""

from __future__ import annotations

from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, resolve, reverse

from generation.models import Device, Output
from generation.queue import requests, trash
from studio.api.views import api
from studio.live.routing import websocket_urlpatterns
from studio.models import ApiToken, Character, Membership, Project, Reference, Role
from studio.urls import urlpatterns
from tests.contract.asking import Caller
from tests.contract.conftest import REMOTE
from tests.contract.listening import PATIENCE, opened
from tests.studio.accounts.rights_tables import ADMIN, CALLS, PAGES, PEOPLE, SOCKETS
from tests.studio.conftest import MakeTake, member

BODIES: dict[str, dict[str, Any]] = {
    "POST /render/": {"type": "image", "prompt": "1girl", "quality": "draft"},
    "POST /jobs/{job}/priority/": {"priority": "50"},
    "POST /queue/act/": {"action": "front", "job": "{job}"},
    "POST /takes/{take}/changes/": {"comment": "Less smile."},
    "POST /takes/{take}/enhance/": {"interpolate": "1", "upscale": "2", "upscaler": "lanczos"},
    "POST /devices/{device}/pause/": {"pause": "soft"},
    "POST /tokens/": {"name": "another"},
    "POST /api/anime/generate": {"type": "image", "prompt": "1girl", "project": "{project}"},
    "POST /api/anime/jobs/cancel": {"job_ids": ["{job}"]},
    "POST /api/anime/outputs/{output}/enhance": {"upscale": 2},
    "PATCH /api/anime/jobs/{job}": {"priority": "low"},
}


def rows(table: str) -> list[tuple[str, dict[str, str]]]:
    """The addresses of a table, each with what every person gets."""
    split = [line.split() for line in table.strip().splitlines()]
    return [
        (f"{method} {address}", dict(zip(PEOPLE, cells, strict=True)))
        for method, address, *cells in split
    ]


@pytest.fixture
def people(project: Project, artist: User, reviewer: User, stranger: User) -> dict[str, Any]:
    """One of each kind, by name."""
    elsewhere = Project.objects.create(slug="elsewhere", name="Elsewhere")
    Membership.objects.create(project=elsewhere, user=stranger, role=Role.ADMIN)
    lead = member(project, "lead", Role.ADMIN)
    keeper = User.objects.create_user("keeper", password="keeper")
    keeper.user_permissions.set(
        Permission.objects.filter(codename__in=["view_device", "change_device"])
    )
    for staff in (stranger, lead, keeper):
        staff.is_staff = True
        staff.save()
    return {
        "anonymous": None,
        "stranger": stranger,
        "former": member(project, "former", Role.ARTIST),
        "artist": artist,
        "colleague": member(project, "colleague", Role.ARTIST),
        "reviewer": reviewer,
        "lead": lead,
        "keeper": keeper,
        "boss": User.objects.create_superuser("boss", password="boss"),
    }


@pytest.fixture
def things(
    people: dict[str, Any],
    queued: MakeTake,
    sent: MakeTake,
    project: Project,
    artist: User,
    device: Device,
) -> dict[str, dict[str, Any]]:
    """What each person tries: the values of the addresses' places."""
    take, own = sent(), sent(user=people["former"])
    Membership.objects.filter(user=people["former"]).delete()
    # Its own thumbnail serves as the strip of a clip, and as a reference.
    Output.objects.update(strip=take.output.thumbnail.name)
    gone = queued()
    requests.cancel(gone.job)
    assert trash.put(gone.job)
    mika = Character.objects.create(project=project, slug="mika", name="Mika", look="1girl")
    picture = Reference.objects.create(character=mika, picture=take.output.thumbnail.name)
    token, _ = ApiToken.issue(artist, "script")
    shared = {
        "project": project.slug,
        "shot": take.shot.slug,
        "device": device.pk,
        "reference": picture.pk,
        "token": token.pk,
        "deleted": str(gone.job_id),
    }
    found = {}
    for person in PEOPLE:
        tried = own if person == "former" else take
        mine = {"job": str(tried.job_id), "take": tried.pk, "output": str(tried.output.pk)}
        found[person] = {**shared, **mine}
    return found


def filled(value: Any, places: dict[str, Any]) -> Any:
    """A body with the places of its texts filled in."""
    if isinstance(value, dict):
        return {name: filled(inner, places) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, places) for inner in value]
    return value.format(**places) if isinstance(value, str) else value


def answer(row: str, user: User | None, places: dict[str, Any]) -> str:
    """What a person gets, in one word; what it changed is taken back."""
    method, _, address = row.partition(" ")
    path, body = address.format(**places), filled(BODIES.get(row, {}), places)
    cache.clear()
    with transaction.atomic():
        if path.startswith("/api/"):
            token = None if user is None else ApiToken.issue(user, "test")[1]
            got = Caller(REMOTE, token)._send(method, path, body if method != "GET" else "", {})
        else:
            client = Client(REMOTE_ADDR=REMOTE, raise_request_exception=False)
            if user is not None:
                client.force_login(user)
            got = getattr(client, method.lower())(path, body or None)
        transaction.set_rollback(True)
    return word(got)


def word(got: Any) -> str:
    """`yes` for every answer but a refusal: what the person did wrong otherwise is not the matter."""
    to = got.headers.get("Location", "")
    if "/login/" in to:
        return "login"
    if got.status_code in (401, 403, 404):
        return str(got.status_code)
    if got.status_code == 302 and to == reverse("admin:index"):
        # The admin site leads back when it does not find the row.
        return "404"
    assert got.status_code < 500, got.content
    return "yes"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("row", "expected"),
    [pytest.param(*row, id=row[0]) for table in (PAGES, CALLS, ADMIN) for row in rows(table)],
)
def test_everybody_gets_what_the_table_says(
    row: str,
    expected: dict[str, str],
    people: dict[str, Any],
    things: dict[str, dict[str, Any]],
) -> None:
    assert {who: answer(row, people[who], things[who]) for who in PEOPLE} == expected


@pytest.mark.django_db(transaction=True)
@pytest.mark.asyncio
@pytest.mark.parametrize("by", ["session", "token"])
@pytest.mark.parametrize(
    ("row", "expected"), [pytest.param(*row, id=row[0]) for row in rows(SOCKETS)]
)
async def test_everybody_is_let_into_the_sockets_that_the_table_says(
    row: str,
    expected: dict[str, str],
    by: str,
    people: dict[str, Any],
    things: dict[str, dict[str, Any]],
) -> None:
    path = row.partition(" ")[2]
    got = {who: await entered(path.format(**things[who]), people[who], by) for who in PEOPLE}
    assert got == expected


async def entered(path: str, user: User | None, by: str) -> str:
    """`yes`, or the code that the socket is closed with."""
    who: dict[str, Any] = {"address": REMOTE}
    if user is not None and by == "session":
        client = Client()
        await database_sync_to_async(client.force_login)(user)
        who |= {"session": client.cookies["genga_session"].value, "origin": "http://testserver"}
    elif user is not None:
        who["token"] = (await database_sync_to_async(ApiToken.issue)(user, "test"))[1]
    line = opened(path, **who)
    accepted, code = await line.connect(PATIENCE)
    assert accepted, code
    first = await line.receive_output(PATIENCE)
    await line.disconnect(timeout=PATIENCE)
    return str(first["code"]) if first["type"] == "websocket.close" else "yes"


PLACES = {
    "project": "harbour",
    "shot": "sh010",
    "device": 1,
    "reference": 1,
    "token": 1,
    "take": 1,
    **dict.fromkeys(("job", "output", "deleted"), "00000000-0000-4000-8000-000000000000"),
}


def path_of(row: str) -> str:
    """The address of a row without its query."""
    return row.partition(" ")[2].partition("?")[0]


def routes(table: str) -> set[str]:
    """The names of the addresses that a table asks for."""
    found = set()
    for row, _ in rows(table):
        match = resolve(path_of(row).format(**PLACES))
        found.add(match.url_name or match.route)
    return found


def test_no_page_is_missing_from_the_table() -> None:
    ours = {page.name or str(page.pattern) for page in urlpatterns if isinstance(page, URLPattern)}
    assert routes(PAGES) == ours


def test_no_call_is_missing_from_the_table() -> None:
    described = {
        f"{method.upper()} {path}"
        for path, calls in api.get_openapi_schema()["paths"].items()
        for method in calls
    }
    asked = {row.partition("?")[0] for row, _ in rows(CALLS)}
    for place, parameter in (("job", "job_id"), ("deleted", "job_id"), ("output", "output_id")):
        asked = {row.replace(f"{{{place}}}", f"{{{parameter}}}") for row in asked}
    assert asked == described


def test_no_part_of_the_admin_site_is_missing_from_the_table() -> None:
    lists = {
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for model in admin.site._registry
    }
    assert lists <= {path_of(row) for row, _ in rows(ADMIN)}


def test_no_socket_is_missing_from_the_table() -> None:
    asked = {path_of(row).format(**PLACES).lstrip("/") for row, _ in rows(SOCKETS)}
    for route in websocket_urlpatterns:
        assert any(route.resolve(path) for path in asked), route.pattern
