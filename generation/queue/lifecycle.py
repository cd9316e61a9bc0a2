"""The lifecycle of a job: submit, start, end or hand back.

Every function here changes a job through `transitions` and returns whether the job changed. An
attempt that no longer owns its job, because its lease expired and another attempt took over,
changes nothing: every end is conditional on the attempt's number. `requests` has the functions for
later requests of users.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from time import monotonic
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from generation.errors import DatabaseUnusable, RenderError, SpecUnreadable, WorkerLost
from generation.estimating.estimate import Estimate
from generation.estimating.estimator import shape_of
from generation.live.events import EventKind
from generation.media.files import StoredOutput
from generation.models import (
    Attempt,
    Device,
    DeviceTime,
    Job,
    ModelCard,
    Output,
    Progress,
)
from generation.models.job import UNREADABLE
from generation.pipelines.registry import family
from generation.queue import breakdowns, leases, progress_row
from generation.queue.breakdowns import MAX_ATTEMPTS
from generation.queue.timings import Learn, Timings, close_attempt, learn_from
from generation.queue.transitions import move, record, ring_on_commit
from generation.specs import RenderSpec
from generation.states import Outcome, Priority, Status


def submit(
    spec: RenderSpec,
    *,
    owner: User,
    model: ModelCard,
    priority: Priority = Priority.NORMAL,
    scope: str = "",
    estimate: Estimate | None = None,
    estimated_start: datetime | None = None,
    reasons: Sequence[tuple[str, str, str]] = (),
    pinned_to: Device | None = None,
) -> Job:
    """Create a waiting job, and ring for it after the surrounding transaction is committed.

    `spec` must have passed `limits.check`. `estimate`, if known, is saved with the job so that it
    can be compared with the actual run time.
    """
    now = timezone.now()
    with transaction.atomic():
        # The claim finds only the jobs of owners with a row in this table.
        DeviceTime.objects.get_or_create(owner=owner)
        job = Job.objects.create(
            owner=owner,
            scope=scope,
            kind=spec.kind,
            spec_data=spec.as_json(),
            spec_hash=spec.content_hash(),
            type=spec.type,
            quality=spec.quality,
            model=model,
            priority=priority,
            work=spec.work,
            family=family_needed(spec, model),
            longest_side=spec.longest_side,
            shape=shape_of(spec),
            # Calibration renders must run alone.
            batch_key=spec.batch_key if family(model.family).batches and not pinned_to else "",
            pinned_to=pinned_to,
            queued_at=now,
            rank=now.timestamp(),
            estimated_seconds=estimate.seconds if estimate else None,
            estimated_low=estimate.low if estimate else None,
            estimated_high=estimate.high if estimate else None,
            estimated_start=estimated_start,
            assumed=estimate.assumed if estimate else {},
            reasons=list(reasons),
            event_sequence=1,
        )
        Progress.objects.create(job=job)
        record(job.pk, EventKind.QUEUED, {"priority": priority.word})
        ring_on_commit(job)
    return job


def family_needed(spec: RenderSpec, model: ModelCard) -> str:
    """The model family that the device must load; empty for a spec that needs no model."""
    return model.family if spec.draws else ""


def start(job: Job, device: Device) -> Attempt | None:
    """Claim a waiting job for a device. None if another device was faster.

    Raises SpecUnreadable, without a change, if the settings are of an incompatible version.
    """
    now, begun = timezone.now(), monotonic()
    try:
        spec = job.spec
    except UNREADABLE as problem:
        raise SpecUnreadable(f"The job's settings cannot be read: {problem}") from problem
    number = job.attempt_number + 1
    with transaction.atomic():
        moved = move(
            job,
            Status.QUEUED,
            Status.PROCESSING,
            EventKind.CLAIMED,
            where={"attempt_number": job.attempt_number, "held_at": None},
            fields={
                "device": device,
                "attempt_number": number,
                "started_at": now,
                "lease_expires_at": leases.end_of_new_lease(),
                "cancel_requested_at": None,
            },
            data={"device": device.name, "attempt": number},
        )
        if not moved:
            return None
        progress_row.begin(job, number)
        attempt = Attempt.objects.create(
            job=job,
            number=number,
            device=device,
            device_name=device.name,
            # Not job.shape, which an older version may have written: estimates learn from this.
            shape=shape_of(spec),
            started_at=now,
            host_load_before=device.host_load,
        )
    attempt.begun = begun
    return attempt


def refuse(job: Job, problem: RenderError) -> bool:
    """Fail a waiting job that no device can start. False if it no longer waits."""
    error = problem.fields
    return move(
        job,
        Status.QUEUED,
        Status.FAILED,
        EventKind.FAILED,
        fields={
            "finished_at": timezone.now(),
            **{f"error_{name}": text for name, text in error.items()},
        },
        data=error,
    )


def complete(
    attempt: Attempt, outputs: Iterable[StoredOutput], timings: Timings, learn: Learn
) -> bool:
    """Save the outputs, learn from the attempt for later estimates, and complete the job.

    `learn` is `Estimator.learn`. False if the attempt no longer owns the job.
    """
    with transaction.atomic():
        if not _end(attempt, Status.COMPLETED, EventKind.COMPLETED, Outcome.COMPLETED, timings):
            return False
        learn_from(attempt, timings, learn)
        for stored in outputs:
            Output.objects.create(job_id=attempt.job_id, attempt=attempt, **stored.fields())
        Progress.objects.filter(pk=attempt.job_id).update(
            percent=100.0,
            remaining_seconds=0.0,
            steps_complete=attempt.job.spec.denoising_steps,
            frames_complete=attempt.job.spec.delivered_frames,
            preview=None,
        )
    return True


def fail(attempt: Attempt, problem: RenderError, timings: Timings) -> bool:
    """End the job with this error. False if the attempt no longer owns it."""
    error = problem.fields
    return _end(attempt, Status.FAILED, EventKind.FAILED, Outcome.FAILED, timings, error)


def end_cancelled(attempt: Attempt, timings: Timings) -> bool:
    """End a job whose cancellation was requested. False if the attempt no longer owns it."""
    return _end(attempt, Status.CANCELLED, EventKind.CANCELLED, Outcome.CANCELLED, timings)


def hand_back(attempt: Attempt, timings: Timings | None = None, saved_steps: int = 0) -> bool:
    """Return a job to its old place in the queue, because the worker stops.

    `saved_steps` is the number of steps in its snapshot.
    """
    return _hand_back(
        attempt, EventKind.HANDED_BACK, Outcome.HANDED_BACK, timings or {}, saved_steps
    )


def hand_back_after_error(attempt: Attempt, timings: Timings, saved_steps: int) -> bool:
    """Return a job to its old place in the queue, because the database failed during its run.

    It fails after MAX_ATTEMPTS, so that an error that always occurs does not run it for ever.
    """
    problem = DatabaseUnusable(f"The database failed during attempt {attempt.number}.")
    if breakdowns.count(attempt.job) + 1 >= MAX_ATTEMPTS:
        return fail(attempt, problem, timings)
    return _hand_back(
        attempt, EventKind.HANDED_BACK, Outcome.HANDED_BACK, timings, saved_steps, problem
    )


def preempt(attempt: Attempt, timings: Timings, saved_steps: int) -> bool:
    """Return a job to its old place in the queue, because urgent work needs its device."""
    return _hand_back(attempt, EventKind.PREEMPTED, Outcome.PREEMPTED, timings, saved_steps)


def note_saved(attempt: Attempt, saved_steps: int) -> None:
    """Save the number of steps in the running attempt's snapshot, in case its worker is lost."""
    Job.objects.filter(
        pk=attempt.job_id, status=Status.PROCESSING, attempt_number=attempt.number
    ).update(saved_steps=saved_steps)


def give_up_lost(attempt: Attempt) -> bool:
    """Take a job from a lost worker: queue it again, or fail it after MAX_ATTEMPTS."""
    job = attempt.job
    lost = breakdowns.count(job) + 1
    if lost >= MAX_ATTEMPTS and job.cancel_requested_at is None:
        error = WorkerLost(f"The worker vanished in {lost} attempts.").fields
        return _end(attempt, Status.FAILED, EventKind.FAILED, Outcome.LOST, {}, error)
    return _hand_back(attempt, EventKind.LOST, Outcome.LOST, {}, None)


def _hand_back(
    attempt: Attempt,
    kind: EventKind,
    outcome: Outcome,
    timings: Timings,
    saved_steps: int | None,
    problem: RenderError | None = None,
) -> bool:
    """Queue a job again. `saved_steps` None keeps the number that was noted while it ran."""
    job, error = attempt.job, problem.fields if problem else {}
    saved = {} if saved_steps is None else {"saved_steps": saved_steps}
    fields: dict[str, Any] = {**saved}
    if outcome == Outcome.PREEMPTED:
        fields["preemptions"] = F("preemptions") + 1
    with transaction.atomic():
        moved = move(
            job,
            Status.PROCESSING,
            Status.QUEUED,
            kind,
            where={"attempt_number": attempt.number, "cancel_requested_at": None},
            fields={"device": None, "lease_expires_at": None, "started_at": None, **fields},
            data={"attempt": attempt.number, "device": attempt.device_name, **saved, **error},
        )
        if moved:
            close_attempt(attempt, outcome, timings, error)
            progress_row.clear(job)
            ring_on_commit(job)
    # If the job did not change, either its cancellation was requested, or another attempt owns it
    # and `_end` changes nothing.
    return moved or _end(attempt, Status.CANCELLED, EventKind.CANCELLED, outcome, timings)


def _end(
    attempt: Attempt,
    status: Status,
    kind: EventKind,
    outcome: Outcome,
    timings: Timings,
    error: dict[str, str] | None = None,
) -> bool:
    """End a processing job and close its attempt, if the attempt still owns the job."""
    problem = error or {}
    with transaction.atomic():
        moved = move(
            attempt.job,
            Status.PROCESSING,
            status,
            kind,
            where={"attempt_number": attempt.number},
            fields={
                "finished_at": timezone.now(),
                "lease_expires_at": None,
                **{f"error_{name}": text for name, text in problem.items()},
            },
            data={"attempt": attempt.number, "device": attempt.device_name, **problem},
        )
        if moved:
            close_attempt(attempt, outcome, timings, problem)
    return moved
