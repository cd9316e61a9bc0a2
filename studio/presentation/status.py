"""The current status of a job, as the API and the JSON socket send it."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone

from generation.models import Job
from generation.scheduling.forecast import Forecast, Forecaster
from generation.states import Priority, Stage, Status
from studio.presentation import durations
from studio.presentation.reasons import reasons


def job_status(
    forecaster: Forecaster, job: Job, *, base: str = "", queue: Forecast | None = None
) -> dict[str, Any]:
    """The status object of the HTTP API. `base`, such as http://host, precedes every URL.

    `queue` is for callers that have a forecast already.
    """
    queue = queue or forecast_for(forecaster, job)
    spec = job.spec
    remaining = remaining_seconds(job, queue)
    return {
        "job_id": str(job.pk),
        "type": job.type,
        "status": job.status,
        "progress": round(job.progress.percent, 1),
        "stage": stage_text(job, queue),
        "frames_complete": job.progress.frames_complete,
        "frames_total": spec.delivered_frames,
        "steps_complete": job.progress.steps_complete,
        "steps_total": spec.denoising_steps,
        "estimated_remaining": "done" if job.state.ended else durations.spoken(remaining),
        "estimated_remaining_seconds": 0.0 if job.state.ended else _rounded(remaining),
        "submitted_at": iso(job.submitted_at),
        "started_at": iso(job.started_at),
        "finished_at": iso(job.finished_at),
        "gpu_queue_position": queue_position(job, queue),
        "held": job.is_held,
        "saved_steps": job.saved_steps,
        "work": job.work,
        "device": job.device.name if job.device else None,
        "device_away": _absence(job),
        "priority": Priority(job.priority).word,
        "quality": job.quality,
        "cancel_requested": job.is_cancelling,
        "seed": spec.seed,
        "reasons": [asdict(reason) for reason in reasons(job)],
        "attempts": [_attempt(attempt) for attempt in job.attempts.all()],
        "outputs": [_output(output, base) for output in job.outputs.all()],
        "error": _error(job),
    }


def forecast_for(forecaster: Forecaster, job: Job) -> Forecast | None:
    """The forecast of the queue for a waiting job; None for any other."""
    return forecaster.forecast() if job.status == Status.QUEUED else None


def queue_position(job: Job, queue: Forecast | None) -> int | None:
    """1 for the next to run, 0 for a running job, None for one that has ended or is on hold."""
    if job.status == Status.PROCESSING:
        return 0
    if job.status != Status.QUEUED or job.is_held:
        return None
    place = queue.place_of(job) if queue else None
    return place.position if place else 1


def remaining_seconds(job: Job, queue: Forecast | None) -> float | None:
    """Seconds until the file is ready, waiting included; None without an estimate."""
    if job.status == Status.QUEUED:
        place = queue.place_of(job) if queue else None
        return durations.until(place.finish) if place else None
    if job.status != Status.PROCESSING or job.progress.remaining_seconds is None or job.absence:
        return None
    age = max(0.0, (timezone.now() - job.progress.updated_at).total_seconds())
    # The end of a run that has outlasted its estimate is unknown; do not show "0 seconds".
    left = job.progress.remaining_seconds - age
    return left if left > 0 else None


def stage_text(job: Job, queue: Forecast | None) -> str:
    """The current stage in words: "Denoising, step 7 of 25"."""
    if job.absence:
        return job.absence.text
    if job.is_cancelling:
        return "Cancelling"
    if job.is_held:
        return "On hold"
    if job.status == Status.QUEUED:
        kept = f", resumes after step {job.saved_steps}" if job.saved_steps else ""
        return f"Waiting, number {queue_position(job, queue)} in the queue{kept}"
    if job.status != Status.PROCESSING:
        return job.state.label
    if not job.progress.stage:
        return "Starting"
    return _running_text(job)


def _running_text(job: Job) -> str:
    """The stage with its count: steps, windows of a step, or frames."""
    stage, progress = Stage(job.progress.stage), job.progress
    steps = job.spec.denoising_steps
    if stage == Stage.DENOISE and progress.parts:
        if progress.steps_complete == steps:
            return f"Denoising window {progress.parts}/{progress.parts}, step {steps}/{steps}"
        step, window = progress.steps_complete + 1, progress.part + 1
        return f"Denoising window {window}/{progress.parts}, step {step}/{steps}"
    if stage == Stage.DENOISE:
        return f"Denoising, step {progress.steps_complete} of {steps}"
    if progress.parts > 1:
        return f"{stage.verb} frame {progress.part}/{progress.parts}"
    return stage.label


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with a Z."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _absence(job: Job) -> dict[str, Any] | None:
    if job.absence is None:
        return None
    since = iso(job.device.heartbeat_at) if job.device else None
    return {"code": job.absence.code, "message": job.absence.text, "since": since}


def _attempt(attempt: Any) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "device": attempt.device_name,
        "started_at": iso(attempt.started_at),
        "finished_at": iso(attempt.finished_at),
        "outcome": attempt.outcome,
        "resumed_from": attempt.resumed_from,
        "batch_size": attempt.batch_size,
        "lowered": attempt.lowered,
    }


def _output(output: Any, base: str) -> dict[str, Any]:
    return {
        "id": str(output.pk),
        "url": base + reverse("output", args=[output.pk]),
        "thumbnail_url": base + reverse("output-thumbnail", args=[output.pk])
        if output.thumbnail
        else None,
        "strip_url": base + reverse("output-strip", args=[output.pk]) if output.strip else None,
        "kind": output.kind,
        "media_type": output.media_type,
        "width": output.width,
        "height": output.height,
        "frames": output.frames,
        "fps": output.fps,
        "bytes": output.bytes,
        "sha256": output.sha256,
        "consistency": output.consistency,
    }


def _error(job: Job) -> dict[str, str] | None:
    if not job.error_code:
        return None
    return {"code": job.error_code, "message": job.error_message, "hint": job.error_hint}


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
