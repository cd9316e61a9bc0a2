"""The list of jobs with its filters and pages, and the queue with its devices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from generation.models import Attempt, Device, Job, ModelCard
from generation.queue import lifecycle
from generation.states import Priority
from studio.models import Project, Shot
from tests.contract.asking import BOARD, JOBS, PAGE, QUEUE, Caller
from tests.contract.conftest import Picture

pytestmark = pytest.mark.django_db

Submit = Callable[..., Job]


def test_jobs_are_listed_the_newest_first(api: Caller, submit: Submit) -> None:
    submitted = [str(submit().pk) for _ in range(3)]

    answer = api.get(JOBS)

    assert answer.status_code == 200
    PAGE.check(answer.json())
    assert [job["job_id"] for job in answer.json()["jobs"]] == submitted[::-1]
    assert (answer.json()["page"], answer.json()["pages"], answer.json()["total"]) == (1, 1, 3)


def test_jobs_come_in_pages(api: Caller, submit: Submit) -> None:
    submitted = [str(submit().pk) for _ in range(27)]

    pages = [api.get(JOBS, {"page": number}).json() for number in (1, 2, 3)]

    assert [len(page["jobs"]) for page in pages] == [25, 2, 0]
    assert [job["job_id"] for page in pages for job in page["jobs"]] == submitted[::-1]
    assert {(page["pages"], page["total"]) for page in pages} == {(2, 27)}


def test_jobs_are_filtered_by_status_and_project(
    api: Caller, submit: Submit, shot: Shot, project: Project
) -> None:
    inside = api.submit(project="harbour", shot="sh010")
    outside = api.submit()
    api.post(f"{JOBS}/{outside['job_id']}/cancel")

    def listed(**query: str) -> list[str]:
        return [job["job_id"] for job in api.get(JOBS, query).json()["jobs"]]

    assert listed(project="harbour") == [inside["job_id"]]
    assert listed(status="cancelled") == [outside["job_id"]]
    assert listed(status="queued") == [inside["job_id"]]
    assert listed(status="cancelled", project="harbour") == []


def test_a_page_of_jobs_costs_the_same_however_many_they_are(
    api: Caller, submit: Submit, picture: Picture, django_assert_max_num_queries: Any
) -> None:
    for _ in range(10):
        submit()
        picture(submit())

    with django_assert_max_num_queries(20):
        assert len(api.get(JOBS).json()["jobs"]) == 20


def test_foreign_jobs_are_not_listed(
    api: Caller, submit: Submit, stranger: User, remote: Callable[[User], Caller]
) -> None:
    mine, theirs = submit(), submit(owner=stranger)

    assert [job["job_id"] for job in api.get(JOBS).json()["jobs"]] == [str(mine.pk)]
    foreign = remote(stranger).get(JOBS).json()
    assert [job["job_id"] for job in foreign["jobs"]] == [str(theirs.pk)]


def test_the_queue_shows_all_jobs_but_the_ids_of_ones_own_only(
    api: Caller, submit: Submit, stranger: User, running: Attempt
) -> None:
    mine = submit()
    submit(owner=stranger, priority=Priority.URGENT)

    answer = api.get(QUEUE)

    assert answer.status_code == 200
    BOARD.check(answer.json())
    first, second = answer.json()["waiting"]
    assert (first["position"], first["owner"], first["priority"]) == (1, "stranger", "urgent")
    assert first["job_id"] is None
    assert (second["position"], second["job_id"]) == (2, str(mine.pk))
    assert "1girl" not in answer.content.decode(), "no prompt of anybody"
    (device,) = answer.json()["devices"]
    assert (device["name"], device["state"]) == ("cpu:0", "online")
    assert (device["job_id"], device["progress"]) == (str(running.job_id), 0.0)


def test_the_queue_hides_which_foreign_job_a_device_runs(
    api: Caller, submit: Submit, stranger: User, device: Device
) -> None:
    assert lifecycle.start(submit(owner=stranger), device) is not None

    (shown,) = api.get(QUEUE).json()["devices"]

    assert shown["job_id"] is None
    assert shown["progress"] == 0.0


@pytest.mark.parametrize(
    ("fields", "state"), [({"pause": "after_job"}, "paused"), ({"heartbeat_at": None}, "away")]
)
def test_the_queue_tells_what_every_device_is_up_to(
    fields: dict[str, Any], state: str, api: Caller, device: Device, toon: ModelCard
) -> None:
    Device.objects.filter(pk=device.pk).update(resident=["toon"], **fields)

    (shown,) = api.get(QUEUE).json()["devices"]

    assert (shown["state"], shown["resident"], shown["job_id"]) == (state, ["toon"], None)
