"""Sockets that were let in, and whose person then loses the right: they are closed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.test import Client
from django.utils import timezone

from generation.models import Device, Job, ModelCard
from generation.queue import lifecycle
from studio.live import permits
from studio.models import ApiToken, Membership, Project, Role, Shot
from tests.contract.asking import Caller
from tests.contract.conftest import REMOTE
from tests.contract.listening import PATIENCE, QUIET, job_page, listen, live, status_heard

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]

OURS = "http://testserver"
MEMBERS_AND_NOBODY = 4403
AGAIN = 1012
start = database_sync_to_async(lifecycle.start)


@pytest.fixture
def job(api: Caller, shot: Shot, toon: ModelCard, device: Device, reviewer: User) -> Job:
    """A waiting take of the artist's, in a project that the reviewer sees too."""
    fields = {"prompt": "1girl", "project": "harbour", "shot": "sh010", "quality": "draft"}
    return Job.objects.get(pk=api.submit(**fields)["job_id"])


@pytest.fixture
def page(reviewer: User, settings: Any) -> dict[str, str]:
    """How the reviewer's pages open their sockets."""
    client = Client()
    client.force_login(reviewer)
    return {"session": client.cookies["genga_session"].value, "origin": OURS}


async def closed(line: WebsocketCommunicator) -> int:
    """The code with which the server closes the socket."""
    said = await line.receive_output(PATIENCE)
    assert said["type"] == "websocket.close", said
    return int(said["code"])


def leave(reviewer: User, _page: dict[str, str]) -> None:
    Membership.objects.get(user=reviewer).delete()


def leave_unsaid(reviewer: User, _page: dict[str, str]) -> None:
    """As by SQL: no signal tells that anything changed."""
    Membership.objects.filter(user=reviewer)._raw_delete("default")


def be_switched_off(reviewer: User, _page: dict[str, str]) -> None:
    reviewer.is_active = False
    reviewer.save()


def change_password(reviewer: User, _page: dict[str, str]) -> None:
    reviewer.set_password("another")
    reviewer.save()


def log_out(reviewer: User, page: dict[str, str]) -> None:
    client = Client()
    client.cookies["genga_session"] = page["session"]
    client.post("/logout/")


def session_expires(reviewer: User, page: dict[str, str]) -> None:
    SessionStore(page["session"]).delete()


ENDS = [leave, leave_unsaid, be_switched_off, change_password, log_out, session_expires]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("topic", ["job", "project"])
async def test_a_page_of_a_person_who_lost_the_right_is_told_nothing_more(
    topic: str,
    end: Callable[..., None],
    job: Job,
    device: Device,
    page: dict[str, str],
    reviewer: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(permits, "LOOK_AGAIN_SECONDS", 0.3)
    path = job_page(job) if topic == "job" else live("project/harbour")
    async with listen(path, **page) as line:
        await database_sync_to_async(end)(reviewer, page)
        code = await closed(line)
        await start(job, device)

        assert code == MEMBERS_AND_NOBODY
        assert await line.receive_nothing(QUIET)


async def test_a_change_of_rights_is_heard_at_once(
    job: Job, page: dict[str, str], reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permits, "LOOK_AGAIN_SECONDS", 3600.0)
    async with listen(job_page(job), **page) as line:
        await database_sync_to_async(leave)(reviewer, page)
        assert await closed(line) == MEMBERS_AND_NOBODY


async def test_the_dashboard_of_a_former_member_opens_anew_without_the_projects_pictures(
    job: Job, page: dict[str, str], reviewer: User
) -> None:
    async with listen(live("queue"), **page) as line:
        await database_sync_to_async(leave)(reviewer, page)
        assert await closed(line) == AGAIN


async def test_the_dashboard_of_a_new_member_opens_anew_with_the_projects_pictures(
    job: Job, stranger: User
) -> None:
    client = Client()
    await database_sync_to_async(client.force_login)(stranger)
    session = client.cookies["genga_session"].value
    project = await database_sync_to_async(Project.objects.get)()
    async with listen(live("queue"), session=session, origin=OURS) as line:
        await database_sync_to_async(Membership.objects.create)(
            project=project, user=stranger, role=Role.ARTIST
        )
        assert await closed(line) == AGAIN


async def test_what_does_not_concern_a_person_leaves_their_socket_open(
    job: Job, page: dict[str, str], stranger: User
) -> None:
    async with listen(job_page(job), **page) as line:
        await database_sync_to_async(stranger.delete)()
        assert await line.receive_nothing(QUIET)


def delete_token(_user: User, token: ApiToken) -> None:
    token.delete()


def switch_off(user: User, _token: ApiToken) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("end", [delete_token, switch_off])
async def test_a_script_whose_token_ended_is_told_nothing_more(
    end: Callable[..., None],
    job: Job,
    device: Device,
    reviewer: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(permits, "LOOK_AGAIN_SECONDS", 0.3)
    token, secret = await database_sync_to_async(ApiToken.issue)(reviewer, "script")
    async with listen(f"/ws/jobs/{job.pk}/", token=secret, address=REMOTE) as line:
        await status_heard(line)
        await database_sync_to_async(end)(reviewer, token)
        assert await closed(line) == MEMBERS_AND_NOBODY


async def test_an_open_socket_does_not_mark_its_token_as_used_again_and_again(
    job: Job, reviewer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(permits, "LOOK_AGAIN_SECONDS", 0.05)
    token, secret = await database_sync_to_async(ApiToken.issue)(reviewer, "script")
    async with listen(f"/ws/jobs/{job.pk}/", token=secret, address=REMOTE) as line:
        await status_heard(line)
        earlier = timezone.now() - timedelta(days=1)
        await database_sync_to_async(ApiToken.objects.filter(pk=token.pk).update)(
            last_used_at=earlier
        )
        assert await line.receive_nothing(QUIET)
    await database_sync_to_async(token.refresh_from_db)()
    assert token.last_used_at == earlier
