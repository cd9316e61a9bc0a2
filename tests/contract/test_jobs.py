"""GET, cancel and PATCH of one job."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from generation.errors import OutOfMemory
from generation.estimating.estimator import Estimator
from generation.models import Attempt, Device, Job, Progress
from generation.queue import lifecycle
from generation.queue.lifecycle import MAX_ATTEMPTS
from generation.scheduling.forecast import Forecaster
from generation.states import Stage
from studio.presentation.status import job_status
from tests.contract.asking import JOBS, STATUS, Caller
from tests.contract.conftest import History, Picture

pytestmark = pytest.mark.django_db

Submit = Callable[..., Job]


def note(job: Job, **fields: Any) -> None:
    """Progress as the worker's reporter writes it."""
    Progress.objects.filter(pk=job.pk).update(updated_at=timezone.now(), **fields)


def test_a_waiting_job_tells_everything_of_the_contract(api: Caller, submit: Submit) -> None:
    job = submit()

    status = api.job(job.pk)

    STATUS.check(status)
    assert (status["type"], status["status"], status["progress"]) == ("image", "queued", 0.0)
    assert (status["frames_complete"], status["frames_total"]) == (0, 1)
    assert (status["steps_complete"], status["steps_total"]) == (0, 4)
    assert status["gpu_queue_position"] == 1
    assert status["stage"] == "Waiting, number 1 in the queue"
    assert (status["estimated_remaining"], status["estimated_remaining_seconds"]) == (
        "estimating",
        None,
    )
    assert (status["started_at"], status["finished_at"], status["device"]) == (None, None, None)
    assert (status["attempts"], status["outputs"], status["error"]) == ([], [], None)
    assert (status["priority"], status["quality"], status["seed"]) == ("normal", "draft", 7)


def test_a_moment_is_told_to_the_millisecond_even_on_the_second(
    api: Caller, submit: Submit, forecaster: Forecaster
) -> None:
    """As the socket tells it: equal moments are equal texts."""
    job = submit()
    Job.objects.filter(pk=job.pk).update(submitted_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))

    told = api.job(job.pk)["submitted_at"]

    job.refresh_from_db()
    assert told == job_status(forecaster, job)["submitted_at"] == "2026-01-02T03:04:05.000Z"


def test_what_remains_of_a_waiting_job_includes_its_waiting(
    api: Caller, submit: Submit, history: History
) -> None:
    history(5.0, width=128, height=128)
    # The history's own writing takes some milliseconds, and they count.
    took = Attempt.objects.get().run_seconds
    assert took is not None
    submit()

    status = api.job(submit().pk)

    assert status["gpu_queue_position"] == 2
    assert 9.0 < status["estimated_remaining_seconds"] <= round(2 * took, 2)


def test_a_running_job_has_position_zero_and_tells_its_step(api: Caller, running: Attempt) -> None:
    note(running.job, stage=Stage.DENOISE, steps_complete=3, percent=60.0, remaining_seconds=2.0)

    status = api.job(running.job_id)

    STATUS.check(status)
    assert (status["status"], status["gpu_queue_position"]) == ("processing", 0)
    assert status["stage"] == "Denoising, step 3 of 4"
    assert (status["progress"], status["steps_complete"]) == (60.0, 3)
    assert 1.0 < status["estimated_remaining_seconds"] <= 2.0
    assert status["estimated_remaining"].endswith("seconds")
    assert status["device"] == "cpu:0"
    assert status["started_at"] is not None
    (attempt,) = status["attempts"]
    assert (attempt["number"], attempt["device"], attempt["outcome"]) == (1, "cpu:0", "running")
    assert (attempt["finished_at"], attempt["lowered"]) == (None, [])


def test_a_run_that_outlives_its_estimate_has_no_known_end(api: Caller, running: Attempt) -> None:
    note(running.job, stage=Stage.DENOISE, remaining_seconds=2.0)
    long_ago = timezone.now() - timedelta(seconds=3)
    Progress.objects.filter(pk=running.job_id).update(updated_at=long_ago)

    status = api.job(running.job_id)

    assert status["estimated_remaining_seconds"] is None
    assert status["estimated_remaining"] == "estimating"


def test_a_finished_job_lists_its_file(api: Caller, submit: Submit, picture: Picture) -> None:
    job = submit()
    output = picture(job)

    status = api.job(job.pk)

    STATUS.check(status)
    assert (status["status"], status["progress"]) == ("completed", 100.0)
    assert (status["frames_complete"], status["steps_complete"]) == (1, 4)
    assert (status["estimated_remaining"], status["estimated_remaining_seconds"]) == ("done", 0.0)
    assert status["gpu_queue_position"] is None
    assert status["started_at"] <= status["finished_at"]
    (file,) = status["outputs"]
    assert file["url"] == f"http://testserver/outputs/{output.pk}/"
    assert (file["kind"], file["media_type"]) == ("image", "image/png")
    assert (file["width"], file["height"], file["frames"], file["fps"]) == (128, 128, 1, None)
    assert (file["bytes"], file["sha256"]) == (output.file.size, output.sha256)


def test_a_failed_job_says_why_and_what_to_do(api: Caller, running: Attempt) -> None:
    lifecycle.fail(running, OutOfMemory("It needs 9 GB."), {})

    status = api.job(running.job_id)

    STATUS.check(status)
    assert status["status"] == "failed"
    assert status["error"]["code"] == "out_of_memory"
    assert status["error"]["message"] == "It needs 9 GB."
    assert status["error"]["hint"]
    assert status["attempts"][0]["outcome"] == "failed"


def test_every_attempt_at_a_job_is_listed(api: Caller, submit: Submit, device: Device) -> None:
    job = submit()
    for _ in range(MAX_ATTEMPTS):
        job.refresh_from_db()
        attempt = lifecycle.start(job, device)
        assert attempt is not None
        lifecycle.give_up_lost(attempt)

    status = api.job(job.pk)

    STATUS.check(status)
    outcomes = [(attempt["number"], attempt["outcome"]) for attempt in status["attempts"]]
    assert outcomes == [(1, "lost"), (2, "lost"), (3, "lost")]
    assert (status["status"], status["error"]["code"]) == ("failed", "worker_lost")


def test_a_waiting_job_is_cancelled_at_once(api: Caller, submit: Submit) -> None:
    answer = api.post(f"{JOBS}/{submit().pk}/cancel")

    assert answer.status_code == 200
    STATUS.check(answer.json())
    assert answer.json()["status"] == "cancelled"
    assert answer.json()["gpu_queue_position"] is None


def test_a_running_job_is_asked_to_stop(api: Caller, running: Attempt) -> None:
    answer = api.post(f"{JOBS}/{running.job_id}/cancel")

    assert answer.json()["status"] == "processing"
    assert answer.json()["cancel_requested"] is True
    assert answer.json()["stage"] == "Cancelling"
    lifecycle.end_cancelled(running, {})
    assert api.job(running.job_id)["status"] == "cancelled"


def test_cancelling_twice_or_too_late_changes_nothing(
    api: Caller, running: Attempt, estimator: Estimator
) -> None:
    path = f"{JOBS}/{running.job_id}/cancel"

    first, second = api.post(path).json(), api.post(path).json()
    lifecycle.complete(running, [], {}, estimator.learn)

    assert first["cancel_requested"] is second["cancel_requested"] is True
    late = api.post(path)
    assert (late.status_code, late.json()["status"]) == (200, "completed")


def test_a_waiting_job_can_be_moved(api: Caller, submit: Submit) -> None:
    first, second = submit(), submit()

    answer = api.patch(f"{JOBS}/{second.pk}", {"priority": "urgent"})

    assert answer.status_code == 200
    STATUS.check(answer.json())
    assert (answer.json()["priority"], answer.json()["gpu_queue_position"]) == ("urgent", 1)
    assert api.job(first.pk)["gpu_queue_position"] == 2
    again = api.patch(f"{JOBS}/{second.pk}", {"priority": "urgent"})
    assert again.status_code == 200, "the priority it has already is no conflict"


def test_a_job_that_waits_no_longer_cannot_be_moved(
    api: Caller, running: Attempt, estimator: Estimator
) -> None:
    path = f"{JOBS}/{running.job_id}"

    answer = api.patch(path, {"priority": "urgent"})

    assert answer.status_code == 409
    assert answer.json()["code"] == "not_queued"
    assert "processing" in answer.json()["detail"]
    lifecycle.complete(running, [], {}, estimator.learn)
    assert api.patch(path, {"priority": "low"}).status_code == 409
    assert api.job(running.job_id)["priority"] == "normal"


@pytest.mark.parametrize("field", ["priority", "position"])
def test_a_change_may_leave_a_field_out_but_not_set_it_to_null(
    field: str, api: Caller, submit: Callable[..., Job]
) -> None:
    described = api.get("/api/openapi.json").json()["components"]["schemas"]["JobChange"]

    answer = api.patch(f"{JOBS}/{submit().pk}", {field: None})

    assert answer.json()["errors"][0]["field"] == field
    assert "null" not in str(described["properties"][field])
    assert "required" not in described
