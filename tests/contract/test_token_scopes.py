"""Tokens that expire, and tokens that may do less than their owner."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.utils import timezone

from generation.models import Device, Job, ModelCard, Output
from studio.models import ApiToken, Scope, Shot
from tests.contract.asking import ESTIMATE, GENERATE, JOBS, QUEUE, Caller
from tests.contract.conftest import REMOTE, Picture
from tests.contract.listening import listen, refusal, status_heard

GOOD = {"type": "image", "prompt": "1girl"}
METRICS = "/metrics"


@pytest.fixture
def output(submit: Callable[..., Job], device: Device, picture: Picture) -> Output:
    return picture(submit())


@pytest.fixture
def job(submit: Callable[..., Job]) -> Job:
    return submit()


def script(user: User, *scopes: Scope, days: float | None = None) -> Caller:
    """A script on another machine with a token of these scopes."""
    expires_at = None if days is None else timezone.now() + timedelta(days=days)
    _, secret = ApiToken.issue(user, "script", scopes=scopes, expires_at=expires_at)
    return Caller(address=REMOTE, token=secret)


def reads(caller: Caller, job: Job, output: Output) -> list[Any]:
    return [
        caller.get(ESTIMATE, GOOD),
        caller.get(JOBS),
        caller.get(f"{JOBS}/{job.pk}"),
        caller.get(QUEUE),
        caller.get(f"/outputs/{output.pk}/"),
    ]


def renders(caller: Caller, job: Job, output: Output) -> list[Any]:
    path = f"{JOBS}/{job.pk}"
    return [
        caller.post(GENERATE, GOOD),
        caller.post(f"/api/anime/outputs/{output.pk}/enhance", {"upscale": 2}),
        caller.post(f"{JOBS}/{output.job_id}/clone"),
        caller.patch(path, {"priority": "low"}),
        *[caller.post(f"{path}/{name}") for name in ("hold", "release", "cancel", "retry")],
        caller.post(f"{JOBS}/cancel", {"job_ids": [str(job.pk)]}),
    ]


def refused_for(answers: list[Any], scope: Scope) -> bool:
    return all(
        answer.status_code == 403
        and answer.json()["code"] == "scope_missing"
        and f"`{scope}`" in answer.json()["detail"]
        for answer in answers
    )


@pytest.fixture
def take_of_job(job: Job, output: Output, shot: Shot, artist: User) -> None:
    """The finished job and the waiting one belong to takes."""
    for number, one in enumerate((output.job, job), 1):
        shot.takes.create(job=one, number=number, created_by=artist, prompt="1girl")


@pytest.mark.django_db
@pytest.mark.usefixtures("take_of_job")
def test_a_token_that_reads_submits_nothing(artist: User, job: Job, output: Output) -> None:
    caller = script(artist, Scope.READ)
    before = Job.objects.count()

    assert {answer.status_code for answer in reads(caller, job, output)} == {200}
    assert refused_for(renders(caller, job, output), Scope.RENDER)
    assert Job.objects.count() == before
    job.refresh_from_db()
    assert (job.status, job.event_sequence) == ("queued", 1)


@pytest.mark.django_db
@pytest.mark.usefixtures("take_of_job")
def test_a_token_that_renders_reads_nothing(artist: User, job: Job, output: Output) -> None:
    caller = script(artist, Scope.RENDER)
    *answers, file = reads(caller, job, output)

    assert {answer.status_code for answer in renders(caller, job, output)} == {200, 202}
    assert refused_for(answers, Scope.READ)
    assert file.status_code == 403


@pytest.mark.django_db
@pytest.mark.usefixtures("take_of_job")
def test_a_token_for_verdicts_neither_reads_nor_renders(
    artist: User, job: Job, output: Output
) -> None:
    caller = script(artist, Scope.REVIEW)

    assert refused_for(reads(caller, job, output)[:-1], Scope.READ)
    assert refused_for(renders(caller, job, output), Scope.RENDER)


@pytest.mark.django_db
def test_an_expired_token_is_refused_with_a_code_of_its_own(artist: User, toon: ModelCard) -> None:
    artist.is_staff = True
    artist.save()
    valid, expired = script(artist, *Scope, days=1), script(artist, *Scope, days=-1)

    assert valid.get(QUEUE).status_code == 200
    assert valid.get(METRICS).status_code == 200
    for answer in (expired.get(QUEUE), expired.post(GENERATE, GOOD)):
        assert (answer.status_code, answer.json()["code"]) == (401, "token_expired")
    assert expired.get(METRICS).status_code == 401
    assert expired.get(f"/outputs/{uuid4()}/").status_code == 401
    # The open loopback is no way around.
    expired.address = "127.0.0.1"
    assert expired.get(QUEUE).status_code == 401


@pytest.mark.django_db
def test_metrics_need_the_scope_to_read(artist: User) -> None:
    artist.is_staff = True
    artist.save()

    assert script(artist, Scope.READ).get(METRICS).status_code == 200
    assert script(artist, Scope.RENDER).get(METRICS).status_code == 403


@pytest.mark.django_db
def test_a_refused_use_is_not_noted(artist: User) -> None:
    script(artist, Scope.RENDER).get(QUEUE)

    assert ApiToken.objects.get().last_used_at is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.asyncio
async def test_a_socket_needs_the_scope_to_read(artist: User, job: Job) -> None:
    def tokens() -> list[str]:
        made = [
            script(artist, Scope.READ),
            script(artist, Scope.RENDER),
            script(artist, *Scope, days=-1),
        ]
        return [str(caller.token) for caller in made]

    reading, rendering, expired = await sync_to_async(tokens)()
    path = f"/ws/jobs/{job.pk}/"

    async with listen(path, token=reading, address=REMOTE) as line:
        assert (await status_heard(line))["status"] == "queued"
    assert await refusal(path, token=rendering, address=REMOTE) == 4403
    assert await refusal(path, token=expired, address=REMOTE) == 4403
