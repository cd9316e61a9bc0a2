"""A script sends a request again because its answer was lost: one job, the same answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from generation.models import Device, Job, ModelCard
from studio.models import IdempotencyKey, Membership, Project, Shot
from tests.contract.asking import GENERATE, JOBS, Caller
from tests.contract.conftest import Picture

GOOD = {"type": "image", "prompt": "1girl", "project": "harbour", "shot": "sh010"}
CLICKS = 6


@pytest.fixture(autouse=True)
def _everything_is_there(toon: ModelCard, device: Device, shot: Shot) -> None:
    """What is sent can be rendered."""


def keyed(caller: Caller, path: str, body: Any, key: str = "k-1") -> Any:
    return caller.post(path, body, idempotency_key=key)


def is_replay(answer: Any) -> bool:
    return answer.get("Idempotency-Replayed") == "true"


@pytest.mark.django_db
def test_a_submit_that_is_sent_again_gets_the_same_answer(api: Caller) -> None:
    first, second = keyed(api, GENERATE, GOOD), keyed(api, GENERATE, GOOD)

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.content == second.content
    assert (is_replay(first), is_replay(second)) == (False, True)
    assert Job.objects.count() == 1


@pytest.mark.django_db
def test_an_enhancement_and_a_clone_are_made_once(
    api: Caller, picture: Picture, device: Device
) -> None:
    job = Job.objects.get(pk=api.submit(**GOOD)["job_id"])
    output = picture(job)

    for path, body in (
        (f"/api/anime/outputs/{output.pk}/enhance", {"upscale": 2}),
        (f"{JOBS}/{job.pk}/clone", {}),
    ):
        answers = [keyed(api, path, body, path[:200]) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [202, 202]
        assert answers[0].content == answers[1].content
    assert Job.objects.count() == 3


@pytest.mark.django_db
@pytest.mark.parametrize("action", ["cancel", "hold", "release", "retry"])
def test_every_action_on_a_job_can_be_sent_again(action: str, api: Caller) -> None:
    """A second retry would be refused otherwise, because the job waits again."""
    path = f"{JOBS}/{api.submit(**GOOD)['job_id']}"
    if action == "retry":
        api.post(f"{path}/cancel")

    first, second = (keyed(api, f"{path}/{action}", "") for _ in range(2))

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.content == second.content
    assert is_replay(second)


@pytest.mark.django_db
def test_a_key_with_another_body_or_at_another_address_is_refused(api: Caller) -> None:
    job_id = keyed(api, GENERATE, GOOD).json()["job_id"]

    for path, body in (
        (GENERATE, {**GOOD, "prompt": "2girls"}),
        (f"{JOBS}/{job_id}/clone", {"seed": 7}),
        (f"{JOBS}/{job_id}/cancel", ""),
    ):
        answer = keyed(api, path, body)
        assert (answer.status_code, answer.json()["code"]) == (409, "key_reused")
    assert Job.objects.get().status == "queued"


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", " ", "a b", "é", "k" * 201, "a\tb", "\x7f"])
def test_a_key_that_is_not_allowed_is_named(key: str, api: Caller) -> None:
    answer = keyed(api, GENERATE, GOOD, key)

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["field"], error["code"]) == ("Idempotency-Key", "key_not_allowed")
    assert not Job.objects.exists()


@pytest.mark.django_db
def test_nothing_is_kept_of_a_refusal(api: Caller, toon: ModelCard) -> None:
    toon.is_active = False
    toon.save()
    assert keyed(api, GENERATE, GOOD).status_code == 422
    assert not IdempotencyKey.objects.exists()

    toon.is_active = True
    toon.save()

    assert keyed(api, GENERATE, GOOD).status_code == 202


@pytest.mark.django_db
def test_a_refused_action_is_tried_anew(api: Caller) -> None:
    path = f"{JOBS}/{api.submit(**GOOD)['job_id']}"
    assert keyed(api, f"{path}/retry", "").status_code == 409

    api.post(f"{path}/cancel")

    assert keyed(api, f"{path}/retry", "").status_code == 200


@pytest.mark.django_db
def test_an_answer_is_kept_for_a_day(api: Caller) -> None:
    first = keyed(api, GENERATE, GOOD).json()["job_id"]
    made = timezone.now() - timedelta(hours=23)
    IdempotencyKey.objects.update(created_at=made)
    assert keyed(api, GENERATE, GOOD).json()["job_id"] == first

    IdempotencyKey.objects.update(created_at=made - timedelta(hours=1, seconds=1))

    assert keyed(api, GENERATE, GOOD).json()["job_id"] != first
    assert IdempotencyKey.objects.count() == 1, "old answers are dropped in passing"


@pytest.mark.django_db
def test_a_key_belongs_to_one_person(
    api: Caller, remote: Callable[[User | None], Caller], reviewer: User
) -> None:
    mine = keyed(api, GENERATE, GOOD)
    theirs = keyed(remote(reviewer), GENERATE, GOOD)

    assert theirs.status_code == 202
    assert theirs.json()["job_id"] != mine.json()["job_id"]
    assert not is_replay(theirs)


@pytest.mark.django_db
def test_a_removed_member_gets_no_old_answer(api: Caller, artist: User, project: Project) -> None:
    keyed(api, GENERATE, GOOD)
    Membership.objects.filter(user=artist, project=project).delete()

    answer = keyed(api, GENERATE, GOOD)

    assert answer.status_code == 403
    assert not is_replay(answer)


@pytest.mark.django_db
def test_the_answer_stays_when_its_job_was_deleted(api: Caller) -> None:
    first = keyed(api, GENERATE, GOOD)
    Job.objects.all().delete()

    assert keyed(api, GENERATE, GOOD).content == first.content


@pytest.mark.django_db(transaction=True)
def test_a_submit_that_is_sent_several_times_at_once_makes_one_job(artist: User) -> None:
    start = Barrier(CLICKS)

    def send(_: int) -> Any:
        try:
            start.wait()
            return keyed(Caller(), GENERATE, GOOD)
        finally:
            connection.close()

    with ThreadPoolExecutor(CLICKS) as threads:
        answers = list(threads.map(send, range(CLICKS)))

    assert [answer.status_code for answer in answers] == [202] * CLICKS
    assert len({answer.content for answer in answers}) == 1
    assert sum(map(is_replay, answers)) == CLICKS - 1
    assert Job.objects.count() == 1
