"""The one door through which a job's state changes.

Every move is a conditional UPDATE that counts for exactly one row, in a transaction with one
numbered JobEvent; whoever loses a race is told so by the return value. Watchers are told after
the commit. An attempt that no longer owns its job (its lease ran out and another took over)
changes nothing: every ending is conditional on the attempt's number.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from generation import attempts, events
from generation.attempts import Timings
from generation.errors import RenderError, SpecUnreadable
from generation.estimating import estimator
from generation.events import Kind
from generation.media.files import StoredOutput
from generation.models import (
    Attempt,
    Device,
    Job,
    JobEvent,
    ModelCard,
    Output,
    Progress,
)
from generation.specs import RenderSpec
from generation.states import TRANSITIONS, Outcome, Priority, Status

MAX_ATTEMPTS = 3
"""A job whose worker vanished this often is not given to another one."""


NO_PROGRESS: dict[str, Any] = {
    "stage": "",
    "steps_complete": 0,
    "frames_complete": 0,
    "part": 0,
    "parts": 0,
    "percent": 0.0,
    "remaining_seconds": None,
    "preview": None,
}
"""The live row of an attempt that has not begun."""


def submit(
    spec: RenderSpec,
    *,
    owner: User,
    model: ModelCard,
    priority: Priority = Priority.NORMAL,
    scope: str = "",
    predicted_start: datetime | None = None,
) -> Job:
    """Write a job that waits, and ring for it once the surrounding transaction is committed.

    `spec` must have passed `specs.check`. What the run will take is foretold and kept with the
    job, so that the foresight can be judged afterwards.
    """
    prediction = estimator.predict(spec)
    with transaction.atomic():
        job = Job.objects.create(
            owner=owner,
            scope=scope,
            spec_data=spec.as_json(),
            spec_hash=spec.content_hash(),
            type=spec.type,
            quality=spec.quality,
            model=model,
            priority=priority,
            predicted_seconds=prediction.seconds if prediction else None,
            predicted_low=prediction.low if prediction else None,
            predicted_high=prediction.high if prediction else None,
            predicted_start=predicted_start,
            event_sequence=1,
        )
        Progress.objects.create(job=job)
        _record(job.pk, Kind.QUEUED, {"priority": priority.word})
        _ring_on_commit(job)
    return job


def start(job: Job, device: Device) -> Attempt | None:
    """Give a waiting job to a device: the claim. None when somebody else was faster.

    Raises SpecUnreadable, and changes nothing, for settings of another version.
    """
    now = timezone.now()
    try:
        spec = job.spec
    except (KeyError, TypeError, ValueError) as problem:
        raise SpecUnreadable(f"The job's settings cannot be read: {problem}") from problem
    number = job.attempt_number + 1
    with transaction.atomic():
        moved = _move(
            job,
            Status.QUEUED,
            Status.PROCESSING,
            Kind.CLAIMED,
            where={"attempt_number": job.attempt_number},
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
        Progress.objects.filter(pk=job.pk).update(attempt_number=number, **NO_PROGRESS)
        return Attempt.objects.create(
            job=job,
            number=number,
            device=device,
            device_name=device.name,
            shape=estimator.shape_of(spec),
            started_at=now,
        )


def refuse(job: Job, problem: RenderError) -> bool:
    """End a waiting job that no device can start. False when it waits no longer."""
    error = {"code": problem.code, "message": problem.message, "hint": problem.hint}
    return _move(
        job,
        Status.QUEUED,
        Status.FAILED,
        Kind.FAILED,
        fields={
            "finished_at": timezone.now(),
            **{f"error_{name}": text for name, text in error.items()},
        },
        data=error,
    )


def lease_length() -> timedelta:
    """How long a claimed job is safe from others without a heartbeat."""
    return timedelta(seconds=settings.GENGA_LEASE_SECONDS)


def complete(attempt: Attempt, outputs: Iterable[StoredOutput], timings: Timings) -> bool:
    """Keep the outputs and end the job. False when the attempt no longer owns it."""
    with transaction.atomic():
        if not _end(attempt, Status.COMPLETED, Kind.COMPLETED, Outcome.COMPLETED, timings):
            return False
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
    return _end(attempt, Status.FAILED, Kind.FAILED, Outcome.FAILED, timings, error)


def end_cancelled(attempt: Attempt, timings: Timings) -> bool:
    """End a job whose cancel was asked for. False when the attempt no longer owns it."""
    return _end(attempt, Status.CANCELLED, Kind.CANCELLED, Outcome.CANCELLED, timings)


def release(attempt: Attempt, timings: Timings | None = None) -> bool:
    """Hand a job back to its old place in the queue, because the worker stops."""
    return _hand_back(attempt, Kind.RELEASED, Outcome.RELEASED, timings or {})


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
        return _end(attempt, Status.FAILED, Kind.FAILED, Outcome.LOST, {}, error)
    return _hand_back(attempt, Kind.LOST, Outcome.LOST, {})


def cancel(job: Job) -> bool:
    """Cancel a waiting job at once; ask the worker of a running one to let go.

    False when the job had ended already or its cancel was asked for before.
    """
    now = timezone.now()

    def cancel_waiting() -> bool:
        fields = {"finished_at": now}
        return _move(job, Status.QUEUED, Status.CANCELLED, Kind.CANCELLED, fields=fields)

    requested = {"status": Status.PROCESSING, "cancel_requested_at": None}
    return (
        cancel_waiting()
        or _note(job, Kind.CANCEL_REQUESTED, where=requested, fields={"cancel_requested_at": now})
        # It ran at the first look and may have been handed back before the second: it waits now.
        or cancel_waiting()
    )


def change_priority(job: Job, priority: Priority) -> bool:
    """Move a waiting job in the queue. False when it waits no longer or has that priority."""
    with transaction.atomic():
        changed = _note(
            job,
            Kind.PRIORITY_CHANGED,
            where={"status": Status.QUEUED, "priority__in": set(Priority) - {priority}},
            fields={"priority": priority},
            data={"priority": priority.word},
        )
        if changed:
            _ring_on_commit(job)
    return changed


def retry(job: Job) -> bool:
    """Let a failed or cancelled job wait again, at the end of its priority. False otherwise."""
    fields: dict[str, Any] = {
        "queued_at": timezone.now(),
        "device": None,
        "started_at": None,
        "finished_at": None,
        "cancel_requested_at": None,
        "error_code": "",
        "error_message": "",
        "error_hint": "",
    }
    with transaction.atomic():
        moved = any(
            _move(job, status, Status.QUEUED, Kind.QUEUED, fields=fields, data={"retry": True})
            for status in (Status.FAILED, Status.CANCELLED)
        )
        if moved:
            Progress.objects.filter(pk=job.pk).update(**NO_PROGRESS)
            _ring_on_commit(job)
    return moved


def _hand_back(attempt: Attempt, kind: Kind, outcome: Outcome, timings: Timings) -> bool:
    job = attempt.job
    with transaction.atomic():
        moved = _move(
            job,
            Status.PROCESSING,
            Status.QUEUED,
            kind,
            where={"attempt_number": attempt.number, "cancel_requested_at": None},
            fields={"device": None, "lease_expires_at": None, "started_at": None},
            data={"attempt": attempt.number, "device": attempt.device_name},
        )
        if moved:
            attempts.close(attempt, outcome, timings)
            Progress.objects.filter(pk=job.pk).update(**NO_PROGRESS)
            _ring_on_commit(job)
    # What was not moved is somebody else's by now, and then this changes nothing either, or its
    # cancel was asked for.
    return moved or _end(attempt, Status.CANCELLED, Kind.CANCELLED, outcome, timings)


def _end(
    attempt: Attempt,
    status: Status,
    kind: Kind,
    outcome: Outcome,
    timings: Timings,
    error: dict[str, str] | None = None,
) -> bool:
    """Move a processing job to an ended status and close its attempt, when it still owns it."""
    problem = error or {}
    with transaction.atomic():
        moved = _move(
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
            attempts.close(attempt, outcome, timings, problem)
    return moved


def _move(
    job: Job,
    source: Status,
    target: Status,
    kind: Kind,
    *,
    where: dict[str, Any] | None = None,
    fields: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
) -> bool:
    """The only writer of a status: one row from `source` to `target`, or nothing and False."""
    if target not in TRANSITIONS[source]:
        raise ValueError(f"a job cannot go from {source} to {target}")
    return _note(
        job,
        kind,
        where={"status": source, **(where or {})},
        fields={"status": target, **(fields or {})},
        data=data,
    )


def _note(
    job: Job,
    kind: Kind,
    *,
    where: dict[str, Any],
    fields: dict[str, Any],
    data: dict[str, Any] | None = None,
) -> bool:
    """Change a job that still is as `where` says, with its event; False when it is not."""
    with transaction.atomic():
        changed = Job.objects.filter(pk=job.pk, **where).update(
            event_sequence=F("event_sequence") + 1, **fields
        )
        if changed:
            _record(job.pk, kind, data or {})
            scope, job_id = job.scope, job.pk
            transaction.on_commit(lambda: events.publish_job(kind, job_id, scope))
    return bool(changed)


def _record(job_id: Any, kind: Kind, data: dict[str, Any]) -> None:
    """Write the event with the number that the UPDATE in this transaction has just drawn."""
    sequence = Job.objects.values_list("event_sequence", flat=True).get(pk=job_id)
    JobEvent.objects.create(job_id=job_id, sequence=sequence, kind=kind, data=data)


def _ring_on_commit(job: Job) -> None:
    job_id, scope = job.pk, job.scope

    def ring() -> None:
        events.job_waiting.send(sender=Job, job_id=job_id)
        events.publish_job(Kind.QUEUED, job_id, scope)

    transaction.on_commit(ring)
