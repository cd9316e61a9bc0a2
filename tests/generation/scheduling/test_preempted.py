"""Which devices yield to urgent work; every device decides for itself at every step."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from generation.models import Attempt, Device, Job, Progress
from generation.queue import requests
from generation.scheduling.preempted import is_preempted
from generation.scheduling.preemption import MAX_PREEMPTIONS
from generation.states import Priority
from tests.generation.conftest import Claim

pytestmark = pytest.mark.django_db

Submit = Callable[..., Job]
Running = dict[str, Attempt]


def another(name: str, **fields: Any) -> Device:
    return Device.objects.create(
        **{
            "name": name,
            "kind": "cpu",
            "works": ["preview", "image"],
            "heartbeat_at": timezone.now(),
            **fields,
        }
    )


@pytest.fixture
def running(submit: Submit, claimed: Claim, device: Device) -> Running:
    """Two devices that each run a normal job."""
    return {
        one.name: claimed(submit(), one) for one in (device, another("cpu:1", works=["preview"]))
    }


def yielding_devices(running: Running) -> list[str]:
    """The devices that yield, each deciding from the same rows."""
    return [
        name
        for name, attempt in running.items()
        if is_preempted(
            Attempt.objects.select_related("job").get(pk=attempt.pk), Device.objects.get(name=name)
        )
    ]


def progress(attempt: Attempt, **fields: Any) -> None:
    Progress.objects.filter(pk=attempt.job_id).update(updated_at=timezone.now(), **fields)


def test_without_urgent_work_no_device_yields(running: Running, submit: Submit) -> None:
    submit(Priority.HIGH)

    assert yielding_devices(running) == []


def test_exactly_one_device_yields_to_one_urgent_job(running: Running, submit: Submit) -> None:
    submit(Priority.URGENT)

    assert yielding_devices(running) == ["cpu:0"]


def test_two_devices_yield_to_two_urgent_jobs(running: Running, submit: Submit) -> None:
    submit(Priority.URGENT), submit(Priority.URGENT)

    assert yielding_devices(running) == ["cpu:0", "cpu:1"]


def test_the_job_of_the_lower_priority_yields(running: Running, submit: Submit) -> None:
    Job.objects.filter(pk=running["cpu:1"].job_id).update(priority=Priority.LOW)
    submit(Priority.URGENT)

    assert yielding_devices(running) == ["cpu:1"]


def test_a_free_device_takes_the_urgent_job_instead(running: Running, submit: Submit) -> None:
    another("cpu:2")
    submit(Priority.URGENT)

    assert yielding_devices(running) == []

    submit(Priority.URGENT)
    assert yielding_devices(running) == ["cpu:0"]


@pytest.mark.parametrize(
    "fields",
    [
        {"works": ["video"]},
        {"pause": "after_job"},
        {"heartbeat_at": None},
        {"largest_size": 64},
        {"families": ["sdxl"]},
    ],
    ids=str,
)
def test_a_free_device_that_does_not_take_the_urgent_job_does_not_count(
    fields: dict[str, Any], running: Running, submit: Submit
) -> None:
    another("cpu:2", **fields)
    submit(Priority.URGENT)

    assert yielding_devices(running) == ["cpu:0"]


def test_a_device_does_not_yield_to_a_job_that_it_does_not_take(
    running: Running, submit: Submit
) -> None:
    submit(Priority.URGENT, quality="final")

    assert yielding_devices(running) == ["cpu:0"], "cpu:1 makes drafts only"

    Device.objects.filter(name="cpu:0").update(works=["preview"])
    assert yielding_devices(running) == []


def test_an_urgent_job_does_not_yield(running: Running, submit: Submit) -> None:
    Job.objects.filter(pk=running["cpu:0"].job_id).update(priority=Priority.URGENT)
    submit(Priority.URGENT)

    assert yielding_devices(running) == ["cpu:1"]

    Job.objects.filter(pk=running["cpu:1"].job_id).update(priority=Priority.URGENT)
    assert yielding_devices(running) == []


def test_a_job_that_was_preempted_often_enough_does_not_yield(
    running: Running, submit: Submit
) -> None:
    Job.objects.filter(pk=running["cpu:0"].job_id).update(preemptions=MAX_PREEMPTIONS)
    submit(Priority.URGENT), submit(Priority.URGENT)

    assert yielding_devices(running) == ["cpu:1"]


def test_a_job_that_is_nearly_done_does_not_yield(running: Running, submit: Submit) -> None:
    progress(running["cpu:0"], percent=98.0, remaining_seconds=2.0)
    progress(running["cpu:1"], percent=50.0, remaining_seconds=50.0)
    submit(Priority.URGENT)

    assert yielding_devices(running) == ["cpu:1"]


def test_a_run_that_exceeds_its_estimate_is_nearly_done_only_by_its_progress(
    running: Running, submit: Submit
) -> None:
    a_while_ago = timezone.now() - timedelta(seconds=5)
    for name, percent in (("cpu:0", 98.0), ("cpu:1", 43.0)):
        progress(running[name], percent=percent, remaining_seconds=0.3)
    Progress.objects.update(updated_at=a_while_ago)
    submit(Priority.URGENT), submit(Priority.URGENT)

    assert yielding_devices(running) == ["cpu:1"]


def test_the_job_with_the_longest_remaining_time_yields_first(
    running: Running, submit: Submit
) -> None:
    progress(running["cpu:0"], percent=50.0, remaining_seconds=30.0)
    progress(running["cpu:1"], percent=10.0, remaining_seconds=300.0)
    submit(Priority.URGENT)

    assert yielding_devices(running) == ["cpu:1"]


@pytest.mark.parametrize("pause", ["after_job", "at_once"])
def test_a_paused_device_does_not_yield(pause: str, running: Running, submit: Submit) -> None:
    """It would not take the urgent job after yielding."""
    Device.objects.filter(name="cpu:0").update(pause=pause)
    submit(Priority.URGENT)

    assert yielding_devices(running) == ["cpu:1"]


def test_no_device_yields_to_a_held_urgent_job(running: Running, submit: Submit) -> None:
    job = submit(Priority.URGENT)
    requests.hold(job)

    assert yielding_devices(running) == []


def test_the_decision_takes_three_queries_for_any_number_of_devices(
    running: Running, submit: Submit
) -> None:
    """It is made between two blocks of the denoiser while urgent work waits."""
    for number in range(2, 6):
        another(f"cpu:{number}", pause="after_job")
    submit(Priority.URGENT)
    attempt = Attempt.objects.select_related("job").get(pk=running["cpu:0"].pk)

    with CaptureQueriesContext(connection) as captured:
        assert is_preempted(attempt, Device.objects.get(name="cpu:0"))

    assert len(captured) == 1 + 3
