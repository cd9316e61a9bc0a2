"""The lifecycle of a job: which transitions exist, and what each of them writes."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from generation.errors import ModelMissing
from generation.estimating.estimator import Estimator, shape_of
from generation.live.events import EventKind
from generation.media.files import StoredOutput
from generation.models import Attempt, Device, DeviceTime, Job, JobEvent, Output, Progress
from generation.queue import lifecycle, requests, transitions
from generation.states import Outcome, Priority, Stage, Status
from tests.generation.conftest import TIMINGS, Claim

pytestmark = pytest.mark.django_db

Submit = Callable[..., Job]
Reach = Callable[[str], tuple[Job, Attempt]]

ACTIONS: dict[str, Callable[[Job, Attempt], bool]] = {
    "complete": lambda job, attempt: lifecycle.complete(attempt, [], TIMINGS, Estimator().learn),
    "fail": lambda job, attempt: lifecycle.fail(attempt, ModelMissing("gone"), TIMINGS),
    "end_cancelled": lambda job, attempt: lifecycle.end_cancelled(attempt, TIMINGS),
    "hand_back": lambda job, attempt: lifecycle.hand_back(attempt, TIMINGS, 2),
    "give_up_lost": lambda job, attempt: lifecycle.give_up_lost(attempt),
    "cancel": lambda job, attempt: requests.cancel(job),
    "retry": lambda job, attempt: requests.retry(job),
    "change_priority": lambda job, attempt: requests.change_priority(job, Priority.URGENT),
    "preempt": lambda job, attempt: lifecycle.preempt(attempt, TIMINGS, 2),
    "hold": lambda job, attempt: requests.hold(job),
    "release": lambda job, attempt: requests.release(job),
    "refuse": lambda job, attempt: lifecycle.refuse(job, ModelMissing("gone")),
}

MOVES = """
queued > cancel > cancelled
queued > change_priority > queued
queued > hold > queued
queued > refuse > failed
processing > complete > completed
processing > fail > failed
processing > end_cancelled > cancelled
processing > hand_back > queued
processing > preempt > queued
processing > give_up_lost > queued
processing > cancel > processing
failed > retry > queued
cancelled > retry > queued
"""
"""In every other status, an action is refused."""

ALLOWED = {tuple(line.split(" > ")) for line in MOVES.split("\n") if line}
TABLE = [
    (before, action, next((move[2] for move in ALLOWED if move[:2] == (before, action)), None))
    for before in Status
    for action in ACTIONS
]


@pytest.fixture
def reach(submit: Submit, claimed: Claim, estimator: Estimator) -> Reach:
    """Make a job in a status, with the attempt that led to it."""

    def reach_status(status: str) -> tuple[Job, Attempt]:
        job = submit()
        attempt = claimed(job)
        if status == "queued":
            assert lifecycle.hand_back(attempt)
        elif status == "completed":
            assert lifecycle.complete(attempt, [], {}, estimator.learn)
        elif status == "failed":
            assert lifecycle.fail(attempt, ModelMissing("gone"), {})
        elif status == "cancelled":
            assert lifecycle.end_cancelled(attempt, {})
        job.refresh_from_db()
        assert job.status == status
        return job, attempt

    return reach_status


@pytest.mark.parametrize(
    ("before", "action", "after"),
    TABLE,
    ids=[f"{before} > {action} > {after or 'refused'}" for before, action, after in TABLE],
)
def test_an_action_changes_the_status_as_in_the_table(
    before: str, action: str, after: str | None, reach: Reach
) -> None:
    job, attempt = reach(before)
    events = JobEvent.objects.filter(job=job).count()

    moved = ACTIONS[action](job, attempt)

    job.refresh_from_db()
    numbers = list(JobEvent.objects.filter(job=job).values_list("sequence", flat=True))
    assert moved is (after is not None)
    assert job.status == (after or before)
    assert numbers == list(range(1, events + 1 + moved)), "one event a move, no gaps"
    assert job.event_sequence == len(numbers)


@pytest.mark.parametrize("status", [status for status in Status if status != Status.QUEUED])
def test_only_a_waiting_job_can_be_started(status: str, reach: Reach) -> None:
    job, attempt = reach(status)

    assert lifecycle.start(job, attempt.device) is None
    assert job.attempts.count() == 1


def test_a_transition_that_does_not_exist_raises(submit: Submit) -> None:
    with pytest.raises(ValueError, match="cannot go from completed to queued"):
        transitions.move(submit(), Status.COMPLETED, Status.QUEUED, EventKind.QUEUED)


def test_a_job_on_hold_cannot_be_started(submit: Submit, device: Device) -> None:
    job = submit()
    requests.hold(job)

    assert lifecycle.start(Job.objects.get(pk=job.pk), device) is None
    assert not job.attempts.exists()


def test_a_submitted_job_waits_with_its_spec_and_one_event(submit: Submit) -> None:
    job = submit(priority=Priority.HIGH, steps=6)

    job.refresh_from_db()
    assert (job.state, job.spec.steps, job.priority) == (Status.QUEUED, 6, Priority.HIGH)
    assert job.spec_hash == job.spec.content_hash()
    assert job.estimated_seconds is None, "nothing like it has run yet"
    assert job.progress.percent == 0.0
    event = job.events.get()
    assert (event.kind, event.sequence, event.data) == (EventKind.QUEUED, 1, {"priority": "high"})


def test_a_submitted_job_has_the_requirements_for_its_device(submit: Submit, artist: User) -> None:
    job = submit(quality="final", width=256)

    job.refresh_from_db()
    assert (job.work, job.family, job.longest_side) == ("image", "stable-diffusion", 256)
    assert (job.shape, job.batch_key) == (shape_of(job.spec), job.spec.batch_key)
    assert job.rank == pytest.approx(job.queued_at.timestamp())
    assert DeviceTime.objects.get(owner=artist).seconds == 0.0, "the claim looks for people there"


def test_a_job_that_is_handed_back_keeps_its_saved_steps(submit: Submit, claimed: Claim) -> None:
    job = submit()
    lifecycle.hand_back(claimed(job), TIMINGS, 3)
    job.refresh_from_db()
    assert (job.saved_steps, job.preemptions, job.left) == (3, 0, 0.25)
    assert job.events.last().data == {"attempt": 1, "device": "cpu:0", "saved_steps": 3}

    lifecycle.preempt(claimed(job), TIMINGS, 4)
    job.refresh_from_db()
    assert (job.saved_steps, job.preemptions, job.left) == (4, 1, 0.0)

    lost = claimed(job)
    lifecycle.note_saved(lost, 2)
    lifecycle.give_up_lost(lost)
    job.refresh_from_db()
    assert (job.saved_steps, job.preemptions) == (2, 1), "as many as were noted while it ran"


def test_saved_steps_of_a_late_attempt_are_ignored(submit: Submit, claimed: Claim) -> None:
    job = submit()
    late = claimed(job)
    lifecycle.give_up_lost(late)
    lifecycle.note_saved(late, 3)
    claimed(job)
    lifecycle.note_saved(late, 3)

    job.refresh_from_db()
    assert job.saved_steps == 0


def test_a_start_gives_the_job_a_device_an_attempt_and_a_lease(
    submit: Submit, claimed: Claim
) -> None:
    job = submit()
    before = timezone.now()

    attempt = claimed(job)

    job.refresh_from_db()
    lease, slack = timedelta(seconds=settings.GENGA_LEASE_SECONDS), timedelta(seconds=1)
    assert (attempt.number, attempt.outcome) == (1, Outcome.RUNNING)
    assert (job.device, job.attempt_number) == (attempt.device, 1)
    assert before <= job.started_at == attempt.started_at
    # It is counted from the moment at which the database took the job.
    assert job.started_at + lease - slack < job.lease_expires_at < timezone.now() + lease
    assert job.progress.attempt_number == 1


def test_only_one_of_two_devices_gets_the_job(submit: Submit, claimed: Claim) -> None:
    seen_by_both = submit()
    claimed(seen_by_both)

    stale = Job.objects.get(pk=seen_by_both.pk)
    stale.status, stale.attempt_number = Status.QUEUED, 0

    assert lifecycle.start(stale, seen_by_both.attempts.get().device) is None


def test_a_finished_job_keeps_its_output_and_how_long_each_stage_took(
    submit: Submit, claimed: Claim, stored: StoredOutput, estimator: Estimator
) -> None:
    job = submit()
    attempt = claimed(job)

    assert lifecycle.complete(attempt, [stored], TIMINGS, estimator.learn)

    job.refresh_from_db()
    output = job.outputs.get()
    assert (output.file.name, output.sha256, output.attempt) == (stored.file, "a" * 64, attempt)
    assert (job.progress.percent, job.progress.steps_complete) == (100.0, 4)
    assert (job.progress.remaining_seconds, job.progress.frames_complete) == (0.0, 1)
    assert job.finished_at is not None
    assert job.lease_expires_at is None
    denoising = attempt.timings.get(stage=Stage.DENOISE)
    assert (denoising.seconds, len(denoising.steps)) == (0.2, 4)
    attempt.refresh_from_db()
    seen = (attempt.finished_at - attempt.started_at).total_seconds()
    assert attempt.run_seconds == pytest.approx(seen, abs=0.1)


def test_a_failed_job_has_its_error_and_a_hint(submit: Submit, claimed: Claim) -> None:
    job = submit()
    attempt = claimed(job)

    assert lifecycle.fail(attempt, ModelMissing("The folder is gone.", "Bring it back."), TIMINGS)

    job.refresh_from_db()
    attempt.refresh_from_db()
    error = (job.error_code, job.error_message, job.error_hint)
    assert error == ("model_missing", "The folder is gone.", "Bring it back.")
    assert (attempt.outcome, attempt.error_code) == (Outcome.FAILED, "model_missing")
    assert attempt.timings.count() == len(TIMINGS)
    assert job.events.last().data["hint"] == "Bring it back."


@pytest.mark.parametrize(
    "late_word",
    ["complete", "fail", "end_cancelled", "hand_back", "preempt", "give_up_lost"],
)
def test_an_attempt_that_lost_its_lease_changes_nothing(
    late_word: str, submit: Submit, claimed: Claim, stored: StoredOutput, estimator: Estimator
) -> None:
    job = submit()
    late = claimed(job)
    lifecycle.give_up_lost(late)
    second = claimed(job)
    before = Job.objects.values().get(pk=job.pk)

    late = Attempt.objects.get(pk=late.pk)
    if late_word == "complete":
        assert not lifecycle.complete(late, [stored], TIMINGS, estimator.learn)
    else:
        assert not ACTIONS[late_word](job, late)

    assert Job.objects.values().get(pk=job.pk) == before
    assert Progress.objects.get(pk=job.pk).attempt_number == second.number
    assert not Output.objects.exists()
    outcomes = list(job.attempts.values_list("outcome", flat=True))
    assert outcomes == [Outcome.LOST, Outcome.RUNNING]
    assert not late.timings.exists()


def test_the_second_attempt_can_still_finish(
    submit: Submit, claimed: Claim, estimator: Estimator
) -> None:
    job = submit()
    lifecycle.give_up_lost(claimed(job))

    assert lifecycle.complete(claimed(job), [], TIMINGS, estimator.learn)
    assert [attempt.number for attempt in job.attempts.all()] == [1, 2]
