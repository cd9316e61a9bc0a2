"""A job's history in words."""

from __future__ import annotations

import pytest

from generation.errors import ModelMissing
from generation.estimating.estimator import Estimator
from generation.models import Attempt, Device, Job
from generation.queue import lifecycle, requests
from generation.queue.timings import Timing
from generation.states import Priority, Stage
from studio.models import Take
from studio.presentation import job_history
from tests.studio.conftest import MakeTake, finish_job

pytestmark = pytest.mark.django_db


def told(take: Take) -> list[tuple[str, str]]:
    return [(line.text, line.detail) for line in job_history.lines(Job.objects.get(pk=take.job_id))]


def start(take: Take, device: Device) -> Attempt:
    attempt = lifecycle.start(Job.objects.get(pk=take.job_id), device)
    assert attempt is not None
    return attempt


def test_an_undisturbed_job_has_three_lines(queued: MakeTake, device: Device) -> None:
    take = queued(priority=Priority.HIGH)
    finish_job(take, device)

    assert told(take) == [
        ("Joined the queue", "as high"),
        ("Started", "on cpu:0"),
        ("Finished", "on cpu:0"),
    ]


def test_a_lost_worker_and_the_next_attempt_are_listed(queued: MakeTake, device: Device) -> None:
    take = queued()
    lifecycle.give_up_lost(start(take, device))
    lifecycle.hand_back(start(take, device))

    assert told(take)[2:] == [
        ("Back in the queue: the worker vanished", "on cpu:0"),
        ("Started", "on cpu:0, attempt 2"),
        ("Back in the queue: the worker was stopped", "on cpu:0, attempt 2"),
    ]


def test_a_failure_is_listed_with_its_reason_and_the_retry(
    queued: MakeTake, device: Device
) -> None:
    take = queued()
    lifecycle.fail(start(take, device), ModelMissing("The folder is gone."), {})
    requests.retry(take.job)

    assert told(take)[2:] == [("Failed", "The folder is gone."), ("Joined the queue", "")]


def test_hold_release_and_move_are_listed(queued: MakeTake) -> None:
    first, take = queued(), queued()
    for change in (requests.hold, requests.release, requests.move_to_front):
        assert change(take.job)

    assert told(take)[1:] == [
        ("Put on hold", ""),
        ("Released from hold", ""),
        ("Moved in the queue", ""),
    ]
    assert len(told(first)) == 1


def test_preemption_and_resume_are_listed_with_their_steps(
    queued: MakeTake, device: Device
) -> None:
    take = queued()
    lifecycle.preempt(start(take, device), {}, 5)
    attempt = start(take, device)
    attempt.resumed_from = 5
    lifecycle.hand_back(attempt, {}, 6)

    assert told(take)[1:] == [
        ("Started", "on cpu:0"),
        ("Gave way to urgent work", "on cpu:0, saved after step 5"),
        ("Resumed after step 5", "on cpu:0, attempt 2"),
        ("Back in the queue: the worker was stopped", "on cpu:0, attempt 2, saved after step 6"),
    ]


def test_peoples_requests_are_listed(queued: MakeTake, device: Device) -> None:
    take = queued()
    requests.change_priority(take.job, Priority.URGENT)
    attempt = start(take, device)
    requests.cancel(take.job)
    lifecycle.end_cancelled(attempt, {})

    assert told(take)[1:] == [
        ("Priority changed", "as urgent"),
        ("Started", "on cpu:0"),
        ("Cancel asked for", ""),
        ("Cancelled", "on cpu:0"),
    ]


def test_the_stages_of_an_attempt_follow_each_other_on_its_timeline(
    queued: MakeTake, device: Device, estimator: Estimator
) -> None:
    take = queued()
    timings = {
        Stage.LOAD: Timing(1.0),
        Stage.DENOISE: Timing(2.0, [1.0, 1.0]),
        Stage.WRITE: Timing(1.0),
    }
    lifecycle.complete(start(take, device), [], timings, estimator.learn)

    (line,) = job_history.timelines(Job.objects.get(pk=take.job_id))

    assert (line["number"], line["device"]) == (1, "cpu:0")
    rows = [(row.label, row.seconds, row.offset, row.share) for row in line["rows"]]
    assert rows == [
        ("Loading the model", 1.0, 0.0, 25.0),
        ("Denoising", 2.0, 25.0, 50.0),
        ("Writing the file", 1.0, 75.0, 25.0),
    ]


def test_an_attempt_without_timings_has_no_timeline(queued: MakeTake, device: Device) -> None:
    take = queued()
    lifecycle.hand_back(start(take, device), {Stage.LOAD: Timing(0.0)})
    start(take, device)

    lines = job_history.timelines(Job.objects.get(pk=take.job_id))

    assert [line["number"] for line in lines] == [1]
    assert lines[0]["rows"][0].share == 0.0, "and nothing is divided by zero"
