"""The status of a job: stage, position and remaining time, which is never invented."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from generation.errors import ModelMissing
from generation.models import Attempt, Device, Job, Progress
from generation.queue import lifecycle, requests
from generation.scheduling.forecast import Forecaster
from generation.specs import Quality
from generation.states import Priority, Stage
from studio.models import Take
from studio.presentation.status import (
    iso,
    job_status,
    queue_position,
    remaining_seconds,
    stage_text,
)
from tests.studio.conftest import MakeTake, Took

pytestmark = pytest.mark.django_db

BASE = "http://127.0.0.1:8328"


def again(take: Take) -> Job:
    """The take's job, read again."""
    return Job.objects.for_pages().get(pk=take.job_id)


def progress(take: Take, **fields: Any) -> Job:
    Progress.objects.filter(pk=take.job_id).update(updated_at=timezone.now(), **fields)
    return again(take)


def test_a_waiting_job_has_its_position(queued: MakeTake, forecaster: Forecaster) -> None:
    first, second = queued(), queued()
    third = queued(priority=Priority.URGENT)

    queue = forecaster.forecast()

    places = [queue_position(again(take), queue) for take in (third, first, second)]
    assert places == [1, 2, 3]
    assert stage_text(again(second), queue) == "Waiting, number 3 in the queue"


@pytest.mark.parametrize(
    ("stage", "text"),
    [
        ("", "Starting"),
        (Stage.LOAD, "Loading the model"),
        (Stage.ENCODE, "Reading the prompt"),
        (Stage.DENOISE, "Denoising, step 2 of 8"),
        (Stage.DECODE, "Decoding"),
        (Stage.WRITE, "Writing the file"),
    ],
)
def test_a_running_job_has_its_stage_in_words(stage: str, text: str, running: MakeTake) -> None:
    job = progress(running(), stage=stage)

    assert stage_text(job, None) == text
    assert queue_position(job, None) == 0


def test_a_job_that_is_cancelled_shows_it(running: MakeTake, forecaster: Forecaster) -> None:
    take = running()
    requests.cancel(take.job)

    assert stage_text(again(take), None) == "Cancelling"
    assert job_status(forecaster, again(take))["cancel_requested"] is True


def test_an_ended_job_has_no_position_and_no_remaining_time(
    finished: MakeTake, queued: MakeTake, running: MakeTake, forecaster: Forecaster
) -> None:
    done, gone, broken = finished(), queued(), running()
    requests.cancel(gone.job)
    lifecycle.fail(Attempt.objects.get(job=broken.job), ModelMissing("gone"), {})

    told = [job_status(forecaster, again(take)) for take in (done, gone, broken)]

    assert [status["stage"] for status in told] == ["Done", "Cancelled", "Failed"]
    assert [status["gpu_queue_position"] for status in told] == [None, None, None]
    assert {status["estimated_remaining"] for status in told} == {"done"}
    assert {status["estimated_remaining_seconds"] for status in told} == {0.0}


def test_the_remaining_time_shrinks_between_reports(running: MakeTake) -> None:
    take = running()
    a_while_ago = timezone.now() - timedelta(seconds=20)
    Progress.objects.filter(pk=take.job_id).update(updated_at=a_while_ago)

    assert remaining_seconds(again(take), None) == pytest.approx(10, abs=2)


def test_a_run_that_outlasts_its_estimate_is_estimating_and_not_zero(
    running: MakeTake, forecaster: Forecaster
) -> None:
    take = running()
    a_minute_ago = timezone.now() - timedelta(seconds=60)
    Progress.objects.filter(pk=take.job_id).update(updated_at=a_minute_ago)

    status = job_status(forecaster, again(take))

    assert status["estimated_remaining_seconds"] is None
    assert status["estimated_remaining"] == "estimating"


def test_a_run_without_an_estimate_is_estimating(running: MakeTake, forecaster: Forecaster) -> None:
    status = job_status(forecaster, progress(running(), remaining_seconds=None))

    assert (status["estimated_remaining_seconds"], status["estimated_remaining"]) == (
        None,
        "estimating",
    )


def test_the_remaining_time_includes_waiting(
    running: MakeTake, queued: MakeTake, took: Took, forecaster: Forecaster
) -> None:
    took({Quality.DRAFT: 10.0})
    running()

    status = job_status(forecaster, again(queued()))

    assert status["estimated_remaining_seconds"] == pytest.approx(40, abs=2)
    assert status["estimated_remaining"].endswith("seconds")


def test_a_waiting_job_without_history_is_estimating(
    queued: MakeTake, device: Device, forecaster: Forecaster
) -> None:
    status = job_status(forecaster, again(queued()))

    assert status["estimated_remaining_seconds"] is None
    assert status["estimated_remaining"] == "estimating"


def test_the_status_of_a_finished_job_lists_its_output_and_its_attempt(
    finished: MakeTake, forecaster: Forecaster
) -> None:
    take = finished(seed=7)
    output = take.output
    assert output is not None

    status = job_status(forecaster, again(take), base=BASE)

    assert (status["status"], status["progress"], status["seed"]) == ("completed", 100.0, 7)
    assert (status["steps_complete"], status["steps_total"]) == (8, 8)
    assert (status["frames_complete"], status["frames_total"]) == (1, 1)
    picture = status["outputs"][0]
    assert picture["url"] == f"{BASE}/outputs/{output.pk}/"
    assert picture["thumbnail_url"] == f"{BASE}/outputs/{output.pk}/thumbnail/"
    assert (picture["width"], picture["height"], picture["media_type"]) == (128, 128, "image/png")
    attempt = status["attempts"][0]
    assert (attempt["number"], attempt["device"], attempt["outcome"]) == (1, "cpu:0", "completed")
    assert attempt["started_at"] <= attempt["finished_at"]


def test_the_status_of_a_failed_job_has_reason_and_hint(
    running: MakeTake, forecaster: Forecaster
) -> None:
    take = running()
    lifecycle.fail(Attempt.objects.get(job=take.job), ModelMissing("Gone.", "Bring it back."), {})

    assert job_status(forecaster, again(take))["error"] == {
        "code": "model_missing",
        "message": "Gone.",
        "hint": "Bring it back.",
    }


def test_a_waiting_job_has_neither_device_nor_error(
    queued: MakeTake, forecaster: Forecaster
) -> None:
    status = job_status(forecaster, again(queued(priority=Priority.LOW)))

    assert (status["device"], status["error"], status["started_at"]) == (None, None, None)
    assert (status["priority"], status["quality"], status["type"]) == ("low", "draft", "image")
    assert (status["progress"], status["outputs"], status["attempts"]) == (0.0, [], [])


def test_times_are_in_utc(queued: MakeTake) -> None:
    moment = timezone.datetime.fromisoformat("2026-05-01T12:00:00.123456+02:00")

    assert iso(moment) == "2026-05-01T10:00:00.123Z"
    assert iso(None) is None
