"""Hold, release, try again, clone, to the front, and cancelling many at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User

from generation.models import Attempt, Device, Job, ModelCard
from generation.queue import lifecycle
from studio.models import Project, Shot, Take
from tests.contract.asking import ACCEPTED, BOARD, CANCELLED, JOBS, PROBLEMS, QUEUE, STATUS, Caller
from tests.contract.conftest import Rows

pytestmark = pytest.mark.django_db

Submit = Callable[..., Job]


def ask(api: Caller, job: Job, name: str) -> Any:
    return api.post(f"{JOBS}/{job.pk}/{name}")


def test_a_job_on_hold_is_still_queued_and_has_no_position(api: Caller, submit: Submit) -> None:
    job, other = submit(), submit()

    answer = ask(api, job, "hold")

    assert answer.status_code == 200
    STATUS.check(answer.json())
    told = answer.json()
    assert (told["status"], told["held"], told["stage"]) == ("queued", True, "On hold")
    assert (told["gpu_queue_position"], told["estimated_remaining_seconds"]) == (None, None)
    assert api.job(other.pk)["gpu_queue_position"] == 1, "it keeps nobody waiting"


def test_a_released_job_is_back_in_its_place(api: Caller, submit: Submit) -> None:
    job, other = submit(), submit()
    ask(api, job, "hold")

    answer = ask(api, job, "release")

    assert (answer.status_code, answer.json()["held"]) == (200, False)
    assert answer.json()["gpu_queue_position"] == 1
    assert api.job(other.pk)["gpu_queue_position"] == 2


@pytest.mark.parametrize("name", ["hold", "release"])
def test_what_is_so_already_is_no_conflict(name: str, api: Caller, submit: Submit) -> None:
    job = submit()

    assert [ask(api, job, name).status_code for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("name", ["hold", "release", "retry"])
def test_a_running_job_is_neither_held_nor_tried_again(
    name: str, api: Caller, running: Attempt
) -> None:
    answer = ask(api, running.job, name)

    assert answer.status_code == 409
    assert answer.json()["code"] == "wrong_state"
    assert "processing" in answer.json()["detail"]


def test_a_cancelled_job_is_tried_again(api: Caller, submit: Submit) -> None:
    job = submit()
    ask(api, job, "cancel")

    answer = ask(api, job, "retry")

    assert (answer.status_code, answer.json()["status"]) == (200, "queued")
    assert ask(api, job, "retry").status_code == 409, "it waits already"


def test_what_can_be_rendered_no_more_is_not_tried_again(
    api: Caller, submit: Submit, rows: Callable[[], Rows]
) -> None:
    job = submit()
    ask(api, job, "cancel")
    ModelCard.objects.update(max_size=64)
    before = rows()

    answer = ask(api, job, "retry")

    assert answer.status_code == 422
    PROBLEMS.check(answer.json())
    assert [error["field"] for error in answer.json()["errors"]] == ["width"]
    assert rows() == before
    assert api.job(job.pk)["status"] == "cancelled"


def test_the_front_is_before_ones_own_jobs(api: Caller, submit: Submit) -> None:
    first, second, third = submit(), submit(), submit()

    answer = api.patch(f"{JOBS}/{third.pk}", {"position": "front"})

    STATUS.check(answer.json())
    assert [api.job(job.pk)["gpu_queue_position"] for job in (third, first, second)] == [1, 2, 3]
    again = api.patch(f"{JOBS}/{third.pk}", {"position": "front"})
    assert again.status_code == 200, "the place it has already is no conflict"


def test_priority_and_front_go_together(api: Caller, submit: Submit) -> None:
    submit(), submit()
    urgent, job = submit(), submit()
    api.patch(f"{JOBS}/{urgent.pk}", {"priority": "urgent"})

    answer = api.patch(f"{JOBS}/{job.pk}", {"priority": "urgent", "position": "front"}).json()

    assert (answer["priority"], answer["gpu_queue_position"]) == ("urgent", 1)


def test_a_running_job_is_not_moved_to_the_front(api: Caller, running: Attempt) -> None:
    answer = api.patch(f"{JOBS}/{running.job_id}", {"position": "front"})

    assert answer.status_code == 409


def test_many_are_cancelled_at_once(api: Caller, submit: Submit, running: Attempt) -> None:
    waiting, ended = submit(), submit()
    ask(api, ended, "cancel")
    ids = [str(job_id) for job_id in (waiting.pk, ended.pk, running.job_id)]

    answer = api.post(f"{JOBS}/cancel", {"job_ids": [*ids, ids[0]]})

    assert answer.status_code == 200
    CANCELLED.check(answer.json())
    assert set(answer.json()["cancelled"]) == {str(waiting.pk), str(running.job_id)}
    assert answer.json()["unchanged"] == [str(ended.pk)]
    assert api.job(waiting.pk)["status"] == "cancelled"
    assert api.job(running.job_id)["cancel_requested"] is True


def test_all_of_them_or_none(api: Caller, submit: Submit, stranger: User) -> None:
    mine, theirs = submit(), submit(owner=stranger)

    def asked(*ids: object) -> int:
        body = {"job_ids": [str(job_id) for job_id in ids]}
        return int(api.post(f"{JOBS}/cancel", body).status_code)

    assert asked(mine.pk, theirs.pk) == 403
    assert asked(mine.pk, uuid4()) == 404
    assert {job.status for job in Job.objects.all()} == {"queued"}


@pytest.mark.parametrize(
    "ids",
    [[], ["7"], [7], "all", None, [str(UUID(int=number)) for number in range(501)]],
    ids=["none", "a text that is none", "a number", "a word", "nothing", "too many"],
)
def test_a_bad_list_of_jobs_is_named(ids: Any, api: Caller) -> None:
    answer = api.post(f"{JOBS}/cancel", {"job_ids": ids})

    assert answer.status_code == 422
    PROBLEMS.check(answer.json())
    (problem,) = answer.json()["errors"]
    assert problem["field"] == "job_ids"


def test_five_hundred_are_cancelled_in_a_bounded_number_of_questions_for_each(
    api: Caller, submit: Submit, django_assert_max_num_queries: Any
) -> None:
    ids = [str(submit().pk) for _ in range(20)]

    with django_assert_max_num_queries(20 * 6 + 15):
        answer = api.post(f"{JOBS}/cancel", {"job_ids": ids})

    assert len(answer.json()["cancelled"]) == 20


@pytest.fixture
def take(api: Caller, shot: Shot, toon: ModelCard) -> Take:
    """A waiting take of the harbour's shot."""
    fields = {"project": "harbour", "shot": "sh010", "quality": "draft", "priority": "low"}
    return Take.objects.get(job=api.submit(**fields, seed=5)["job_id"])


def test_a_clone_is_the_same_with_another_seed(api: Caller, take: Take) -> None:
    answer = ask(api, take.job, "clone")

    assert answer.status_code == 202, answer.content
    ACCEPTED.check(answer.json())
    clone = Take.objects.get(job=answer.json()["job_id"])
    assert answer.json()["seed"] == clone.job.spec.seed != 5
    assert {**clone.job.spec.as_json(), "seed": 5} == take.job.spec.as_json()
    assert (clone.shot, clone.number, clone.prompt) == (take.shot, take.number + 1, take.prompt)
    assert clone.job.priority == take.job.priority


def test_a_clone_may_name_its_seed(api: Caller, take: Take) -> None:
    answer = api.post(f"{JOBS}/{take.job_id}/clone", {"seed": 77})

    assert (answer.status_code, answer.json()["seed"]) == (202, 77)
    assert Job.objects.get(pk=answer.json()["job_id"]).spec.seed == 77


def test_a_clone_needs_no_body_but_a_json_one_if_any(api: Caller, take: Take) -> None:
    path = f"{JOBS}/{take.job_id}/clone"

    assert api.client.generic("POST", path).status_code == 202
    assert api.post(path, "").status_code == 202
    assert api.post(path, "seed=7", content_type="text/plain").status_code == 415


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "7", True])
def test_a_bad_seed_clones_nothing(
    seed: Any, api: Caller, take: Take, rows: Callable[[], Rows]
) -> None:
    before = rows()

    answer = api.post(f"{JOBS}/{take.job_id}/clone", {"seed": seed})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "seed"
    assert rows() == before


def test_what_can_be_rendered_no_more_is_not_cloned(
    api: Caller, take: Take, toon: ModelCard, rows: Callable[[], Rows]
) -> None:
    ModelCard.objects.update(is_active=False)
    before = rows()

    answer = ask(api, take.job, "clone")

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["code"] == "model_off"
    assert rows() == before


def test_who_left_the_project_clones_nothing_into_it(
    api: Caller, take: Take, artist: User, project: Project
) -> None:
    project.memberships.filter(user=artist).delete()

    assert ask(api, take.job, "clone").status_code == 403


def test_a_job_of_no_take_cannot_be_cloned(api: Caller, submit: Submit) -> None:
    assert ask(api, submit(), "clone").status_code == 404


def test_the_queue_tells_what_is_on_hold(
    api: Caller, submit: Submit, stranger: User, device: Device
) -> None:
    mine, theirs = submit(), submit(owner=stranger)
    for job in (mine, theirs):
        Job.objects.filter(pk=job.pk).update(held_at=job.queued_at, saved_steps=3)

    board = api.get(QUEUE).json()

    BOARD.check(board)
    assert board["waiting"] == []
    assert [held["job_id"] for held in board["held"]] == [str(mine.pk), None]
    assert {held["saved_steps"] for held in board["held"]} == {3}


def test_a_device_tells_its_rules_and_its_batch(
    api: Caller, submit: Submit, device: Device
) -> None:
    for _ in range(3):
        assert lifecycle.start(submit(), device) is not None
    Device.objects.update(pause="after_job", works=["image", "preview"])

    (shown,) = api.get(QUEUE).json()["devices"]

    assert (shown["pause"], shown["works"]) == ("after_job", ["image", "preview"])
    assert shown["batch_size"] == 3


def test_a_job_that_was_begun_tells_where_it_goes_on(
    api: Caller, submit: Submit, device: Device
) -> None:
    job = submit()
    attempt = lifecycle.start(job, device)
    assert attempt is not None
    lifecycle.preempt(attempt, {}, 3)

    told = api.job(job.pk)

    assert (told["status"], told["saved_steps"]) == ("queued", 3)
    assert told["stage"].endswith("resumes after step 3")
    assert told["attempts"][0]["outcome"] == "preempted"
    assert (told["attempts"][0]["resumed_from"], told["attempts"][0]["batch_size"]) == (0, 1)
