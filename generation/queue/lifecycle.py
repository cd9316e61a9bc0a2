"""The life of a job: submitted, started, ended or handed back.

Every function here changes a job through `transitions` and returns whether it moved. An attempt
that no longer owns its job (its lease ran out and another took over) changes nothing: every
ending is conditional on the attempt's number. `requests` has what people ask of a job later.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from generation.errors import RenderError, SpecUnreadable
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
from generation.queue import progress_row
from generation.queue.timings import Timings, close_attempt
from generation.queue.transitions import move, record, ring_on_commit
from generation.specs import RenderSpec
from generation.states import Outcome, Priority, Status

MAX_ATTEMPTS = 3
"""A job whose worker vanished this often is not given to another one."""

Learn = Callable[[Attempt, Iterable[tuple[str, float]]], None]
"""Takes in a finished attempt with the seconds of its stages."""


def submit(
    spec: RenderSpec,
    *,
    owner: User,
    model: ModelCard,
    priority: Priority = Priority.NORMAL,
    scope: str = "",
    estimate: Estimate | None = None,
    estimated_start: datetime | None = None,
    reasons: Sequence[tuple[str, str]] = (),
    pinned_to: Device | None = None,
) -> Job:
    """Write a job that waits, and ring for it once the surrounding transaction is committed.

    `spec` must have passed `limits.check`. `estimate` is kept with the job, so that it can be
    judged afterwards; None: unknown.
    """
    now = timezone.now()
    with transaction.atomic():
        # Only people with a row here are looked for by the claim.
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
            # What calibrates a device has to run alone there.
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
    """The family of models that a device has to load for it; empty when nothing is drawn."""
    return model.family if spec.draws else ""


def start(job: Job, device: Device) -> Attempt | None:
    """Give a waiting job to a device: the claim. None when somebody else was faster.

    Raises SpecUnreadable, and changes nothing, for settings of another version.
    """
    now = timezone.now()
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
                "lease_expires_at": now + lease_length(),
                "cancel_requested_at": None,
            },
            data={"device": device.name, "attempt": number},
        )
        if not moved:
            return None
        progress_row.begin(job, number)
        return Attempt.objects.create(
            job=job,
            number=number,
            device=device,
            device_name=device.name,
            # Not the job's: that may have been written by an older version, and is learned from.
            shape=shape_of(spec),
            started_at=now,
            host_load_before=device.host_load,
        )


def refuse(job: Job, problem: RenderError) -> bool:
    """End a waiting job that no device can start. False when it waits no longer."""
    error = {"code": problem.code, "message": problem.message, "hint": problem.hint}
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


def lease_length() -> timedelta:
    """How long a claimed job is safe from others without a heartbeat."""
    return timedelta(seconds=settings.GENGA_LEASE_SECONDS)


def complete(
    attempt: Attempt, outputs: Iterable[StoredOutput], timings: Timings, learn: Learn
) -> bool:
    """Keep the outputs, let estimates learn from the attempt, and end the job.

    `learn` is `Estimator.learn`. False when the attempt no longer owns the job.
    """
    with transaction.atomic():
        if not _end(attempt, Status.COMPLETED, EventKind.COMPLETED, Outcome.COMPLETED, timings):
            return False
        if attempt.is_comparable:
            learn(attempt, [(stage, one.seconds) for stage, one in timings.items()])
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
    """End the job with what went wrong. False when the attempt no longer owns it."""
    error = {"code": problem.code, "message": problem.message, "hint": problem.hint}
    return _end(attempt, Status.FAILED, EventKind.FAILED, Outcome.FAILED, timings, error)


def end_cancelled(attempt: Attempt, timings: Timings) -> bool:
    """End a job whose cancel was asked for. False when the attempt no longer owns it."""
    return _end(attempt, Status.CANCELLED, EventKind.CANCELLED, Outcome.CANCELLED, timings)


def hand_back(attempt: Attempt, timings: Timings | None = None, saved_steps: int = 0) -> bool:
    """Hand a job back to its old place in the queue, because the worker stops.

    `saved_steps` are those that its snapshot holds.
    """
    return _hand_back(
        attempt, EventKind.HANDED_BACK, Outcome.HANDED_BACK, timings or {}, saved_steps
    )


def preempt(attempt: Attempt, timings: Timings, saved_steps: int) -> bool:
    """Hand a job back to its old place, because urgent work needs its device."""
    return _hand_back(attempt, EventKind.PREEMPTED, Outcome.PREEMPTED, timings, saved_steps)


def note_saved(attempt: Attempt, saved_steps: int) -> None:
    """Remember how many steps the running attempt's snapshot holds, should its worker vanish."""
    Job.objects.filter(
        pk=attempt.job_id, status=Status.PROCESSING, attempt_number=attempt.number
    ).update(saved_steps=saved_steps)


def give_up_lost(attempt: Attempt) -> bool:
    """Take a job from a worker that vanished: back to its place, or failed after MAX_ATTEMPTS."""
    job = attempt.job
    # A retry is a new life: losses from before it do not count.
    lost = job.attempts.filter(outcome=Outcome.LOST, started_at__gte=job.queued_at).count() + 1
    if lost >= MAX_ATTEMPTS and job.cancel_requested_at is None:
        error = {
            "code": "worker_lost",
            "message": f"The worker vanished in {lost} attempts.",
            "hint": "Look into the worker's log; retry the job once the machine is well.",
        }
        return _end(attempt, Status.FAILED, EventKind.FAILED, Outcome.LOST, {}, error)
    return _hand_back(attempt, EventKind.LOST, Outcome.LOST, {}, None)


def _hand_back(
    attempt: Attempt, kind: EventKind, outcome: Outcome, timings: Timings, saved_steps: int | None
) -> bool:
    """Put a job back; `saved_steps` None: as many as were noted while it ran."""
    job = attempt.job
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
            data={"attempt": attempt.number, "device": attempt.device_name, **saved},
        )
        if moved:
            close_attempt(attempt, outcome, timings)
            progress_row.clear(job)
            ring_on_commit(job)
    # What was not moved is somebody else's by now, and then this changes nothing either, or its
    # cancel was asked for.
    return moved or _end(attempt, Status.CANCELLED, EventKind.CANCELLED, outcome, timings)


def _end(
    attempt: Attempt,
    status: Status,
    kind: EventKind,
    outcome: Outcome,
    timings: Timings,
    error: dict[str, str] | None = None,
) -> bool:
    """Move a processing job to an ended status and close its attempt, when it still owns it."""
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
