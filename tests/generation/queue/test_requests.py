"""Cancel, retry, change of priority, hand-back and lost workers."""

from collections.abc import Callable

import pytest
from django.test import TestCase
from django.utils import timezone

from generation.errors import RenderError
from generation.estimating.estimator import Estimator
from generation.live import events
from generation.live.events import EventKind
from generation.models import Attempt, Device, Job, Progress
from generation.queue import lifecycle, requests
from generation.states import Outcome, Priority, Status
from tests.generation.conftest import TIMINGS, Claim

pytestmark = pytest.mark.django_db

Submit = Callable[..., Job]

HALFWAY = {
    "stage": "denoise",
    "steps_complete": 2,
    "frames_complete": 1,
    "percent": 40.0,
    "remaining_seconds": 9.0,
    "preview": b"picture",
}
BLANK = {
    "stage": "",
    "steps_complete": 0,
    "frames_complete": 0,
    "percent": 0.0,
    "remaining_seconds": None,
    "preview": None,
}


def kinds(job: Job) -> list[str]:
    return list(job.events.values_list("kind", flat=True))


def test_a_waiting_job_is_cancelled_at_once(submit: Submit) -> None:
    job = submit()

    assert requests.cancel(job)

    job.refresh_from_db()
    assert job.status == Status.CANCELLED
    assert job.finished_at is not None
    assert not job.may_cancel
    assert job.may_retry


def test_the_cancel_of_a_running_job_is_requested_only_once(submit: Submit, claimed: Claim) -> None:
    job = submit()
    claimed(job)

    assert requests.cancel(job)
    assert not requests.cancel(job)

    job.refresh_from_db()
    assert job.status == Status.PROCESSING
    assert job.is_cancelling
    assert not job.may_cancel
    assert kinds(job) == [EventKind.QUEUED, EventKind.CLAIMED, EventKind.CANCEL_REQUESTED]


def test_a_cancel_requested_before_the_worker_is_lost_still_cancels(
    submit: Submit, claimed: Claim
) -> None:
    job = submit()
    attempt = claimed(job)
    requests.cancel(job)

    assert lifecycle.give_up_lost(attempt)

    job.refresh_from_db()
    attempt.refresh_from_db()
    assert (job.status, attempt.outcome) == (Status.CANCELLED, Outcome.LOST)


def test_a_cancel_requested_before_the_worker_stops_still_cancels(
    submit: Submit, claimed: Claim
) -> None:
    job = submit()
    attempt = claimed(job)
    requests.cancel(job)

    assert lifecycle.hand_back(attempt)

    job.refresh_from_db()
    assert job.status == Status.CANCELLED
    assert Attempt.objects.get().outcome == Outcome.HANDED_BACK


def test_a_cancel_requested_while_the_job_is_handed_back_is_not_lost(
    submit: Submit, claimed: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request arrives after the hand-back has read the job and before it writes."""
    job = submit()
    attempt = claimed(job)
    move = lifecycle.move

    def cancel_first(*arguments: object, **more: object) -> bool:
        monkeypatch.setattr(lifecycle, "move", move)
        assert requests.cancel(Job.objects.get(pk=job.pk))
        return move(*arguments, **more)

    monkeypatch.setattr(lifecycle, "move", cancel_first)
    assert lifecycle.hand_back(attempt)

    job.refresh_from_db()
    assert job.status == Status.CANCELLED


def test_a_cancel_of_a_job_that_is_handed_back_between_its_two_tries_is_not_lost(
    submit: Submit, claimed: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job runs at the first try of the cancel and waits at its second."""
    job = submit()
    attempt = claimed(job)
    note = requests.note

    def hand_back_first(job: Job, kind: EventKind, **more: object) -> bool:
        if kind == EventKind.CANCEL_REQUESTED:
            monkeypatch.setattr(requests, "note", note)
            assert lifecycle.hand_back(attempt)
        return note(job, kind, **more)

    monkeypatch.setattr(requests, "note", hand_back_first)
    assert requests.cancel(job)

    job.refresh_from_db()
    assert job.status == Status.CANCELLED


def test_a_cancel_requested_before_the_third_loss_cancels(submit: Submit, claimed: Claim) -> None:
    job = submit()
    lifecycle.give_up_lost(claimed(job))
    lifecycle.give_up_lost(claimed(job))
    attempt = claimed(job)
    requests.cancel(job)

    assert lifecycle.give_up_lost(Attempt.objects.get(pk=attempt.pk))

    job.refresh_from_db()
    assert job.status == Status.CANCELLED


@pytest.mark.parametrize("hand_back", [lifecycle.hand_back, lifecycle.give_up_lost])
def test_a_job_that_is_handed_back_keeps_its_place(
    hand_back: Callable[[Attempt], bool], submit: Submit, claimed: Claim
) -> None:
    first, second = submit(), submit()
    queued_at = first.queued_at

    assert hand_back(claimed(first))

    first.refresh_from_db()
    assert list(Job.objects.waiting()) == [first, second]
    assert first.queued_at == queued_at
    assert (first.device, first.started_at, first.lease_expires_at) == (None, None, None)


def test_an_attempt_that_was_handed_back_keeps_its_timings(submit: Submit, claimed: Claim) -> None:
    attempt = claimed(submit())

    lifecycle.hand_back(attempt, TIMINGS)

    assert attempt.timings.count() == len(TIMINGS)
    assert attempt.outcome == Outcome.HANDED_BACK


def test_a_job_fails_after_its_third_lost_worker(submit: Submit, claimed: Claim) -> None:
    job = submit()

    for status in (Status.QUEUED, Status.QUEUED, Status.FAILED):
        assert lifecycle.give_up_lost(claimed(job))
        job.refresh_from_db()
        assert job.status == status

    assert job.error_code == "worker_lost"
    assert job.error_message == "The worker vanished in 3 attempts."
    assert job.error_hint
    assert set(job.attempts.values_list("outcome", flat=True)) == {Outcome.LOST}


def test_a_job_that_was_only_handed_back_never_fails(submit: Submit, claimed: Claim) -> None:
    job = submit()

    for _ in range(lifecycle.MAX_ATTEMPTS + 2):
        assert lifecycle.hand_back(claimed(job))

    job.refresh_from_db()
    assert job.status == Status.QUEUED


def test_losses_before_a_retry_do_not_count(submit: Submit, claimed: Claim) -> None:
    job = submit()
    for _ in range(lifecycle.MAX_ATTEMPTS):
        lifecycle.give_up_lost(claimed(job))
    assert requests.retry(job)

    assert lifecycle.give_up_lost(claimed(job))

    job.refresh_from_db()
    assert job.status == Status.QUEUED


def test_a_retried_job_is_the_last_and_has_no_error(submit: Submit, claimed: Claim) -> None:
    job, other = submit(), submit()
    lifecycle.fail(claimed(job), RenderError("It broke."), {})

    assert requests.retry(job)

    job.refresh_from_db()
    assert list(Job.objects.waiting()) == [other, job]
    assert (job.error_code, job.error_message, job.error_hint) == ("", "", "")
    assert (job.finished_at, job.cancel_requested_at) == (None, None)
    assert (job.device, job.started_at) == (None, None)
    assert job.events.last().data == {"retry": True}


@pytest.mark.parametrize("ending", ["retry", "hand_back", "give_up_lost"])
def test_a_job_that_waits_again_shows_no_progress(
    ending: str, submit: Submit, claimed: Claim
) -> None:
    job = submit()
    attempt = claimed(job)
    Progress.objects.filter(pk=job.pk).update(**HALFWAY)

    if ending == "retry":
        lifecycle.fail(attempt, RenderError("It broke."), {})
        requests.retry(job)
    else:
        getattr(lifecycle, ending)(attempt)

    assert Progress.objects.filter(pk=job.pk).values(*BLANK).get() == BLANK


def test_a_new_attempt_starts_without_progress(submit: Submit, claimed: Claim) -> None:
    job = submit()
    Progress.objects.filter(pk=job.pk).update(**HALFWAY)

    claimed(job)

    assert Progress.objects.filter(pk=job.pk).values(*BLANK).get() == BLANK


def test_a_job_of_a_higher_priority_is_served_first(submit: Submit) -> None:
    first, second = submit(), submit()

    assert requests.change_priority(second, Priority.URGENT)

    second.refresh_from_db()
    assert list(Job.objects.waiting()) == [second, first]
    assert second.events.last().data == {"priority": "urgent"}


def test_the_same_priority_again_is_no_change(submit: Submit) -> None:
    job = submit(priority=Priority.LOW)

    assert not requests.change_priority(job, Priority.LOW)
    assert kinds(job) == [EventKind.QUEUED]


def test_watchers_are_notified_and_bells_are_rung_only_after_the_commit(
    submit: Submit, claimed: Claim
) -> None:
    heard: list[object] = []

    def listen(job_id: object, **_: object) -> None:
        heard.append(job_id)

    events.job_waiting.connect(listen)
    try:
        with TestCase.captureOnCommitCallbacks(execute=True):
            job = submit()
            assert heard == []
        assert heard == [job.pk]
        with TestCase.captureOnCommitCallbacks(execute=True):
            attempt = claimed(job)
        assert heard == [job.pk], "a job that starts rings for nobody"
        with TestCase.captureOnCommitCallbacks(execute=True):
            lifecycle.hand_back(attempt)
        assert heard == [job.pk] * 2
    finally:
        events.job_waiting.disconnect(listen)


def test_a_job_outlives_its_device(
    submit: Submit, claimed: Claim, device: Device, estimator: Estimator
) -> None:
    job = submit()
    attempt = claimed(job)
    lifecycle.complete(attempt, [], {}, estimator.learn)

    device.delete()

    attempt.refresh_from_db()
    assert (attempt.device, attempt.device_name) == (None, "cpu:0")
    assert attempt.finished_at <= timezone.now()
