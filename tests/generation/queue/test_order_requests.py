"""Holding, releasing and moving waiting jobs, also by two users at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import TestCase

from generation.live import events
from generation.live.events import EventKind
from generation.models import Job
from generation.queue import lifecycle, requests
from generation.states import Priority, Status
from tests.generation.conftest import Claim

pytestmark = pytest.mark.django_db

Submit = Callable[..., Job]


def event_kinds(job: Job) -> list[str]:
    """The kinds of a job's events, which must be numbered without gaps."""
    rows = list(job.events.values_list("sequence", "kind"))
    assert [number for number, _ in rows] == list(range(1, len(rows) + 1))
    job.refresh_from_db()
    assert job.event_sequence == len(rows)
    return [kind for _, kind in rows]


def waiting() -> list[Job]:
    return list(Job.objects.waiting())


def test_a_held_job_keeps_its_place_until_its_release(submit: Submit) -> None:
    first, second = submit(), submit()

    assert requests.hold(first)
    assert not requests.hold(first)
    first.refresh_from_db()
    assert first.is_held
    assert first.status == Status.QUEUED
    assert (waiting(), list(Job.objects.held())) == ([second], [first])

    assert requests.release(first)
    assert not requests.release(first)
    first.refresh_from_db()
    assert not first.is_held
    assert (waiting(), list(Job.objects.held())) == ([first, second], [])
    assert event_kinds(first) == [EventKind.QUEUED, EventKind.HELD, EventKind.RELEASED]


@pytest.mark.parametrize("ask", [requests.hold, requests.release, requests.move_to_front])
def test_a_job_that_runs_or_has_ended_is_not_moved(
    ask: Callable[[Job], bool], submit: Submit, claimed: Claim
) -> None:
    running, ended = submit(), submit()
    claimed(running)
    requests.cancel(ended)

    assert not ask(running)
    assert not ask(ended)
    assert event_kinds(running) == [EventKind.QUEUED, EventKind.CLAIMED]
    assert event_kinds(ended) == [EventKind.QUEUED, EventKind.CANCELLED]


def test_a_held_job_may_be_cancelled_and_changes_its_priority(submit: Submit) -> None:
    cancelled, changed = submit(), submit()
    for job in (cancelled, changed):
        requests.hold(job)

    assert requests.cancel(cancelled)
    assert requests.change_priority(changed, Priority.URGENT)

    changed.refresh_from_db()
    cancelled.refresh_from_db()
    assert cancelled.status == Status.CANCELLED
    assert (changed.priority, changed.is_held) == (Priority.URGENT, True)


def test_a_job_that_is_held_and_cancelled_waits_again_after_a_retry(submit: Submit) -> None:
    """A retry releases the job."""
    job = submit()
    requests.hold(job)
    requests.cancel(job)

    assert requests.retry(job)

    assert waiting() == [job]


def test_of_a_hold_and_a_claim_at_once_only_one_succeeds(submit: Submit, claimed: Claim) -> None:
    """Each reads the job before the other writes it."""
    job = submit()
    seen = Job.objects.get(pk=job.pk)
    claimed(job)

    assert not requests.hold(seen)
    assert event_kinds(job) == [EventKind.QUEUED, EventKind.CLAIMED]


def test_a_held_job_that_was_preempted_resumes_after_its_release(
    submit: Submit, claimed: Claim
) -> None:
    job = submit()
    assert lifecycle.preempt(claimed(job), {}, saved_steps=2)
    job.refresh_from_db()

    assert requests.hold(job)
    assert requests.release(job)

    job.refresh_from_db()
    assert (job.saved_steps, job.preemptions) == (2, 1)


def test_a_job_is_moved_to_the_front_of_its_owners_jobs_of_its_priority(
    submit: Submit, stranger: User
) -> None:
    high = submit(Priority.HIGH)
    first, second, third = submit(), submit(), submit()
    his = submit(owner=stranger)

    assert requests.move_to_front(third)

    mine = [job for job in waiting() if job != his]
    assert mine == [high, third, first, second]
    assert event_kinds(third) == [EventKind.QUEUED, EventKind.MOVED]
    assert event_kinds(first) == [EventKind.QUEUED]
    third.refresh_from_db()
    assert not requests.move_to_front(third), "it is already"
    assert event_kinds(third) == [EventKind.QUEUED, EventKind.MOVED]


def test_the_only_job_of_an_owner_is_in_front_already(submit: Submit, stranger: User) -> None:
    submit(owner=stranger), submit(Priority.HIGH)

    assert not requests.move_to_front(submit())


def test_each_move_to_the_front_is_before_the_previous_one(submit: Submit) -> None:
    first, second, third = submit(), submit(), submit()

    for job in (second, third, first, second):
        assert requests.move_to_front(job)

    assert waiting() == [second, first, third]


def test_a_job_of_the_same_rank_as_the_first_can_be_moved_before_it(submit: Submit) -> None:
    first, second = submit(), submit()
    Job.objects.update(rank=5.0)

    assert requests.move_to_front(second)

    assert waiting() == [second, first]


def test_a_move_to_the_front_rings_no_bell_but_a_release_does(submit: Submit) -> None:
    """Only a job that newly waits may start a device."""
    heard: list[Any] = []

    def listen(job_id: Any, **_: Any) -> None:
        heard.append(job_id)

    _, job = submit(), submit()
    events.job_waiting.connect(listen)
    try:
        with TestCase.captureOnCommitCallbacks(execute=True):
            requests.hold(job)
            requests.move_to_front(job)
        assert heard == []
        with TestCase.captureOnCommitCallbacks(execute=True):
            requests.release(job)
        assert heard == [job.pk]
    finally:
        events.job_waiting.disconnect(listen)
