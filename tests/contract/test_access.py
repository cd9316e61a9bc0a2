"""Who may do what: tokens, the open loopback, other people's projects, other sites' pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings as configured
from django.contrib.auth.models import User
from django.test import Client

from generation.models import Device, Job, ModelCard
from studio.models import ApiToken, Character, Project, Shot, Style
from tests.contract.asking import ESTIMATE, GENERATE, JOBS, QUEUE, Caller
from tests.contract.conftest import REMOTE, Rows

pytestmark = pytest.mark.django_db

GOOD = {"type": "image", "prompt": "1girl"}
Remote = Callable[[User | None], Caller]


@pytest.fixture(autouse=True)
def _everything_is_there(toon: ModelCard, device: Device, shot: Shot) -> None:
    """What is refused is refused for who asks, not for what is asked."""


def every_call(caller: Caller, job: Job, **headers: str) -> list[Any]:
    path = f"{JOBS}/{job.pk}"
    return [
        caller.post(GENERATE, GOOD, **headers),
        caller.get(ESTIMATE, GOOD, **headers),
        caller.get(JOBS, **headers),
        caller.get(path, **headers),
        caller.patch(path, {"priority": "low"}, **headers),
        caller.post(f"{path}/hold", **headers),
        caller.post(f"{path}/release", **headers),
        caller.post(f"{path}/cancel", **headers),
        caller.post(f"{path}/retry", **headers),
        caller.post(f"{JOBS}/cancel", {"job_ids": [str(job.pk)]}, **headers),
        caller.get(QUEUE, **headers),
    ]


ONE_JOB = ("cancel", "hold", "release", "retry", "clone")


def codes(answers: list[Any]) -> list[int]:
    return [answer.status_code for answer in answers]


SERVED = [202, *[200] * 10]


@pytest.fixture
def job(submit: Callable[..., Job]) -> Job:
    """The artist's."""
    return submit()


def test_this_machine_needs_no_token(api: Caller, job: Job) -> None:
    assert codes(every_call(api, job)) == SERVED


@pytest.mark.parametrize("address", ["::1", "127.0.0.1"])
def test_both_loopback_addresses_are_this_machine(address: str, artist: User) -> None:
    assert Caller(address=address).get(QUEUE).status_code == 200


def test_other_machines_need_a_token(remote: Remote, artist: User, job: Job) -> None:
    refused = every_call(remote(None), job)

    assert codes(refused) == [401] * 11
    assert all(answer.json()["code"] == "no_valid_token" for answer in refused)
    assert codes(every_call(remote(artist), job)) == SERVED


def test_a_server_that_others_can_reach_needs_a_token_everywhere(
    api: Caller, job: Job, settings: Any
) -> None:
    settings.GENGA_API_IS_OPEN = False

    assert codes(every_call(api, job)) == [401] * 11


@pytest.mark.parametrize(
    "header", ["Bearer wrong", "Bearer ", "Bearer", "Basic YTpi", "wrong", "Bearer genga_"]
)
@pytest.mark.parametrize("address", ["127.0.0.1", REMOTE])
def test_a_wrong_token_is_refused_even_on_this_machine(
    address: str, header: str, artist: User, job: Job, rows: Callable[[], Rows]
) -> None:
    before = rows()

    answers = every_call(Caller(address=address), job, authorization=header)

    assert codes(answers) == [401] * 11
    assert rows() == before


def test_a_revoked_token_is_refused(artist: User) -> None:
    row, secret = ApiToken.issue(artist, "script")
    caller = Caller(address=REMOTE, token=secret)
    assert caller.get(QUEUE).status_code == 200

    row.delete()

    assert caller.get(QUEUE).status_code == 401


def test_a_person_who_was_switched_off_is_refused(remote: Remote, artist: User) -> None:
    caller = remote(artist)
    artist.is_active = False
    artist.save()

    assert caller.get(QUEUE).status_code == 401
    assert Caller().get(QUEUE).status_code == 401, "nor does this machine act for them"


def test_a_token_counts_before_the_open_loopback(stranger: User, job: Job) -> None:
    _, secret = ApiToken.issue(stranger, "script")

    assert Caller(token=secret).get(f"{JOBS}/{job.pk}").status_code == 403


def test_a_session_opens_pages_but_not_the_api(browser: Client, job: Job) -> None:
    """Otherwise a page of another site could use the session of whoever looks at it."""
    assert browser.get("/", REMOTE_ADDR=REMOTE).status_code == 200
    assert browser.get(f"{JOBS}/{job.pk}", REMOTE_ADDR=REMOTE).status_code == 401


def test_a_submit_needs_no_csrf_token(remote: Remote, artist: User) -> None:
    caller = remote(artist)
    caller.client = Client(enforce_csrf_checks=True)

    assert caller.post(GENERATE, GOOD).status_code == 202


def test_jobs_of_other_projects_are_forbidden(
    remote: Remote, stranger: User, job: Job, rows: Callable[[], Rows]
) -> None:
    path, caller = f"{JOBS}/{job.pk}", remote(stranger)

    answers = [
        caller.get(path),
        *[caller.post(f"{path}/{name}") for name in ONE_JOB],
        caller.post(f"{JOBS}/cancel", {"job_ids": [str(job.pk)]}),
        caller.patch(path, {"priority": "urgent"}),
    ]

    assert codes(answers) == [403] * 8
    job.refresh_from_db()
    assert (job.status, job.event_sequence) == ("queued", 1)


def test_members_see_each_others_jobs_and_change_only_their_own(
    api: Caller, remote: Remote, reviewer: User, lead: User
) -> None:
    path = f"{JOBS}/{api.submit(project='harbour', shot='sh010')['job_id']}"

    assert remote(reviewer).get(path).status_code == 200
    assert remote(reviewer).patch(path, {"priority": "urgent"}).status_code == 403
    for name in ONE_JOB:
        assert remote(reviewer).post(f"{path}/{name}").status_code == 403, name
    assert remote(lead).patch(path, {"priority": "urgent"}).status_code == 200
    assert remote(lead).post(f"{path}/cancel").json()["status"] == "cancelled"


def test_things_of_other_projects_are_forbidden(
    api: Caller, foreign_project: Project, rows: Callable[[], Rows]
) -> None:
    Shot.objects.create(project=foreign_project, slug="sh900", name="Secret")
    Character.objects.create(project=foreign_project, slug="spy", name="Spy", look="black hat")
    Style.objects.create(project=foreign_project, slug="noir", name="Noir")
    before = rows()

    for fields in (
        {"project": "secret"},
        {"project": "secret", "shot": "sh900"},
        {"character": "spy"},
        {"style": "noir"},
        {"character": "spy", "project": "harbour"},
    ):
        answer = api.post(GENERATE, {**GOOD, **fields})
        assert answer.status_code == 403, fields
        assert answer.json()["code"] == "field_of_others"
        assert next(iter(fields)) in answer.json()["detail"]
        assert api.get(ESTIMATE, {**GOOD, **fields}).status_code == 403
    assert api.get(JOBS, {"project": "secret"}).status_code == 403
    assert rows() == before


def test_an_unknown_job_is_not_found(api: Caller) -> None:
    for job_id in (uuid4(), "7", "not-an-id", "00000000-0000-0000-0000-00000000000", "%00"):
        path = f"{JOBS}/{job_id}"
        answers = [
            api.get(path),
            *[api.post(f"{path}/{name}") for name in ONE_JOB],
            api.patch(path, {"priority": "low"}),
        ]
        assert codes(answers) == [404] * 7, job_id


def test_an_unknown_project_of_the_list_is_not_found(api: Caller) -> None:
    assert api.get(JOBS, {"project": "nowhere"}).status_code == 404


@pytest.mark.parametrize("method", ["put", "delete", "get"])
def test_other_methods_are_refused(method: str, api: Caller) -> None:
    assert getattr(api.client, method)(GENERATE).status_code == 405


def test_too_many_submits_are_refused_for_that_person_only(
    api: Caller, remote: Remote, stranger: User, rows: Callable[[], Rows]
) -> None:
    allowed = int(configured.GENGA_SUBMIT_RATE.partition("/")[0])
    # Refused requests count too: a script in a loop is bounded whatever it sends.
    for _ in range(allowed):
        assert api.post(GENERATE, {}).status_code == 422
    before = rows()

    answer = api.post(GENERATE, GOOD)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")
    assert int(answer["Retry-After"]) >= 1
    assert remote(None).post(GENERATE, GOOD).status_code == 401
    assert rows() == before
    assert api.get(QUEUE).status_code == 200
    assert remote(stranger).post(GENERATE, GOOD).status_code == 202


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://testserver.evil.example",
        "http://evil.example/testserver",
        "http://testserver:8000",
        "http://127.0.0.1:9000",
        "file://testserver",
        "http://[",
        "null",
        "",
    ],
)
def test_a_page_of_another_site_cannot_use_the_open_loopback(
    origin: str, api: Caller, job: Job, rows: Callable[[], Rows]
) -> None:
    before = rows()

    answers = every_call(api, job, origin=origin)

    assert codes(answers) == [401] * 11
    assert rows() == before


def test_our_own_pages_can_use_the_open_loopback(api: Caller) -> None:
    assert api.post(GENERATE, GOOD, origin="http://testserver").status_code == 202


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "[::1", "a b", ""])
def test_a_foreign_host_name_is_refused(
    host: str, api: Caller, job: Job, rows: Callable[[], Rows]
) -> None:
    before = rows()

    assert set(codes(every_call(api, job, host=host))) == {400}
    assert rows() == before


def test_the_links_carry_the_host_that_was_asked(api: Caller) -> None:
    answer = api.post(GENERATE, GOOD, host="localhost:8328").json()

    assert answer["links"]["self"].startswith("http://localhost:8328/api/anime/jobs/")
    assert answer["links"]["websocket"].startswith("ws://localhost:8328/ws/jobs/")
