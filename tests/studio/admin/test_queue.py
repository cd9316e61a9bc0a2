"""Jobs on the admin site: actions, and the page of a job."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

from django.test import Client

from generation.errors import OutOfMemory
from generation.models import Attempt, Device, Job, JobEvent, ModelCard
from generation.queue import lifecycle
from generation.states import Priority, Status
from tests.studio.admin.asking import act, address, text, told


def test_cancel(as_root: Client, submit: Callable[..., Job], ours: SimpleNamespace) -> None:
    waiting = submit()
    answer = act(as_root, Job, "cancel", waiting, ours.job)
    assert told(answer) == ["jobs_cancelled", "not_cancelled"]
    waiting.refresh_from_db()
    assert waiting.status == Status.CANCELLED
    assert [event.kind for event in waiting.events.all()] == ["job.queued", "job.cancelled"]


def test_running_job_is_asked_to_stop(
    as_root: Client, submit: Callable[..., Job], device: Device
) -> None:
    running = submit()
    lifecycle.start(running, device)
    act(as_root, Job, "cancel", running)
    running.refresh_from_db()
    assert running.is_cancelling
    assert "Cancelling" in text(as_root.get(address(Job)))


def test_retry(as_root: Client, submit: Callable[..., Job], device: Device) -> None:
    failed = submit()
    attempt = lifecycle.start(failed, device)
    assert attempt is not None
    lifecycle.fail(attempt, OutOfMemory("too large"), {})
    assert told(act(as_root, Job, "retry", failed)) == ["jobs_retried"]
    failed.refresh_from_db()
    assert failed.status == Status.QUEUED


def test_retry_of_a_job_that_can_no_longer_be_rendered(
    as_root: Client, submit: Callable[..., Job], ours: SimpleNamespace
) -> None:
    large, small = submit(width=192), submit()
    act(as_root, Job, "cancel", large, small)
    ModelCard.objects.update(max_size=128)

    answer = act(as_root, Job, "retry", large, small, ours.job)

    assert told(answer) == ["jobs_retried", "not_retried", "jobs_refused"]
    assert "multiples of 8 from 128 to 128" in text(answer)
    assert set(Job.objects.filter(status=Status.QUEUED)) >= {small}
    large.refresh_from_db()
    assert large.status == Status.CANCELLED


def test_priority(as_root: Client, submit: Callable[..., Job]) -> None:
    job = submit()
    assert told(act(as_root, Job, "priority_urgent", job)) == ["jobs_moved"]
    job.refresh_from_db()
    assert job.priority == Priority.URGENT
    assert job.events.last().kind == "job.priority_changed"
    again = act(as_root, Job, "priority_urgent", job)
    assert told(again) == ["no_job_changed", "not_moved"]


def test_hold_and_release(
    as_root: Client, submit: Callable[..., Job], ours: SimpleNamespace
) -> None:
    job = submit()
    assert told(act(as_root, Job, "hold", job, ours.job)) == ["jobs_held", "not_held"]
    job.refresh_from_db()
    assert job.is_held
    assert "On hold" in text(as_root.get(address(Job)))
    assert told(act(as_root, Job, "release", job)) == ["jobs_released"]
    job.refresh_from_db()
    assert not job.is_held


def test_page_shows_attempts_outputs_and_events(as_root: Client, ours: SimpleNamespace) -> None:
    page = text(as_root.get(address(Job, "change", ours.job.pk)))
    for words in ("1girl, bob silver hair, smiling", "guidance 4, seed", "Joined the queue"):
        assert words in page
    assert address(Attempt, "change", ours.attempt.pk) in page


def test_event_of_another_version_keeps_its_name(as_root: Client, ours: SimpleNamespace) -> None:
    JobEvent.objects.create(job=ours.job, sequence=9, kind="job.dreamt")
    assert "job.dreamt" in text(as_root.get(address(JobEvent)))
