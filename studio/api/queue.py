"""The calls about submitted jobs, and about the queue."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from ninja import Router
from ninja.decorators import decorate_view

from generation.errors import SpecError
from generation.models import Device, Job
from generation.queue import requests
from generation.scheduling.forecast import Place
from generation.states import Priority, Status
from studio.accounts import access
from studio.accounts.person_request import PersonRequest
from studio.api import refusals as refused
from studio.api.bodies import ALWAYS, MISSING, json_only
from studio.api.lookups import base_of, changeable_job, changeable_jobs, job_of
from studio.api.queue_schemas import QueueOut
from studio.api.repeatable import REPEATED, repeatable
from studio.api.schemas import (
    CancelIn,
    CancelOut,
    JobChange,
    JobOut,
    ProblemsOut,
    Refused,
)
from studio.ordering import refusals, submission
from studio.presentation.status import iso, job_status
from studio.production import bulk_actions, trashing

router = Router(tags=["queue"])

MOVED: dict[int, Any] = {200: JobOut, **REPEATED, **MISSING}


@router.get("/jobs/{uuid:job_id}", response={200: JobOut, **MISSING}, summary="One job")
def get_job(request: PersonRequest, job_id: UUID) -> dict[str, Any]:
    """The current status of a job."""
    return _status(request, job_id)


@router.post("/jobs/{uuid:job_id}/cancel", response=MOVED, summary="Cancel")
@repeatable
def cancel_job(request: PersonRequest, job_id: UUID) -> Any:
    """Cancel: a waiting job at once, a running job at its next step. An ended job is unchanged."""
    requests.cancel(changeable_job(request, job_id))
    return 200, _status(request, job_id)


@router.post(
    "/jobs/cancel",
    response={200: CancelOut, 415: Refused, 422: ProblemsOut, **MISSING},
    summary="Cancel many",
)
@decorate_view(json_only)
def cancel_jobs(request: PersonRequest, payload: CancelIn) -> dict[str, list[str]]:
    """Cancel all of the jobs, or none if one does not exist or may not be changed."""
    acted = bulk_actions.act(
        bulk_actions.ACTIONS["cancel"], changeable_jobs(request, payload.job_ids)
    )
    return {
        "cancelled": [str(job.pk) for job in acted.moved],
        "unchanged": [str(job.pk) for job in acted.left],
    }


@router.post("/jobs/{uuid:job_id}/hold", response=MOVED, summary="Hold")
@repeatable
def hold_job(request: PersonRequest, job_id: UUID) -> Any:
    """Keep a waiting job from starting until it is released; 409 for any other job."""
    return _moved(request, job_id, requests.hold, "put on hold", {Status.QUEUED})


@router.post("/jobs/{uuid:job_id}/release", response=MOVED, summary="Release")
@repeatable
def release_job(request: PersonRequest, job_id: UUID) -> Any:
    """Let a job on hold wait again in its old place. A job that is not on hold is unchanged."""
    return _moved(request, job_id, requests.release, "released", {Status.QUEUED})


@router.post("/jobs/{uuid:job_id}/retry", response=MOVED, summary="Try again")
@repeatable
def retry_job(request: PersonRequest, job_id: UUID) -> Any:
    """Queue a failed or cancelled job again, at the end of its priority; 409 for any other job.

    422 with the field and what it allows for a job that can no longer be rendered.
    """
    return _moved(request, job_id, submission.retry, "tried again", set())


@router.patch(
    "/jobs/{uuid:job_id}",
    response={415: Refused, **MOVED},
    summary="Move",
)
@decorate_view(json_only)
def change_job(request: PersonRequest, job_id: UUID, payload: JobChange) -> Any:
    """Change the priority, move the job before its owner's others of that priority, or both.

    Only a waiting job can be moved; 409 for one that runs or has ended.
    """
    job = changeable_job(request, job_id)
    if payload.priority is None and payload.position is None:
        raise SpecError("priority", refusals.NO_CHANGE_NAMED, "priority, position or both")
    if payload.priority is not None:
        requests.change_priority(job, Priority.from_word(payload.priority))
        job.refresh_from_db()
    if payload.position is not None:
        requests.move_to_front(job)
        job.refresh_from_db()
    if job.status != Status.QUEUED:
        return 409, refused.body(refused.NOT_QUEUED, status=job.status)
    return 200, _status(request, job_id)


def _moved(
    request: PersonRequest,
    job_id: UUID,
    change: Callable[[Job], bool],
    done: str,
    harmless: set[Status],
) -> Any:
    """The job after the change; 409 if nothing changed, unless its state is in `harmless`."""
    job = changeable_job(request, job_id)
    if not change(job):
        job.refresh_from_db()
        if job.state not in harmless:
            return 409, refused.body(refused.WRONG_STATE, status=job.status, done=done)
    return 200, _status(request, job_id)


@router.delete(
    "/jobs/{uuid:job_id}", response={204: None, 409: Refused, **MISSING}, summary="Delete"
)
def delete_job(request: PersonRequest, job_id: UUID) -> Any:
    """Move an ended job and its files into the trash; 409 if it has not ended or is in review.

    It can be restored for `GENGA_TRASH_DAYS` days; then its files are freed.
    """
    refusal = trashing.delete(changeable_job(request, job_id))
    return (204, None) if refusal is None else (409, refused.said(refusal))


@router.post("/jobs/{uuid:job_id}/restore", response={200: JobOut, **MISSING}, summary="Restore")
def restore_job(request: PersonRequest, job_id: UUID) -> dict[str, Any]:
    """Take a job out of the trash; 404 for one that is not there, or whose files are freed."""
    trashing.restore(access.trashed_job_for(request.user, job_id))
    return _status(request, job_id)


@router.get("/queue", response={200: QueueOut, **ALWAYS}, summary="The queue and the devices")
def get_queue(request: PersonRequest) -> dict[str, Any]:
    """The whole queue for everybody; ids only of jobs that the caller may see."""
    queue = request.forecaster.forecast()
    waiting = Job.objects.select_related("owner").in_bulk([place.key for place in queue.places])
    visible = set(access.visible_jobs(request.user).active().values_list("pk", flat=True))
    running: dict[int | None, list[Job]] = {}
    for job in Job.objects.processing().for_pages():
        running.setdefault(job.device_id, []).append(job)

    def shown(job: Job) -> str | None:
        return str(job.pk) if job.pk in visible else None

    return {
        "waiting": [
            _waiting(place, waiting[place.key], shown)
            for place in queue.places
            if place.key in waiting
        ],
        "held": [_held(job, shown) for job in Job.objects.held().select_related("owner")],
        "devices": [
            _device(device, running.get(device.pk, []), shown) for device in Device.objects.all()
        ],
    }


def _waiting(place: Place, job: Job, shown: Callable[[Job], str | None]) -> dict[str, Any]:
    return {
        "position": place.position,
        **_job(job, shown),
        "device": place.device,
        "estimated_start": iso(place.start),
        "estimated_finish": iso(place.finish),
        "estimated_seconds": place.seconds,
        "why": place.why,
        "why_codes": [reason.code for reason in place.reasons],
    }


def _held(job: Job, shown: Callable[[Job], str | None]) -> dict[str, Any]:
    return {**_job(job, shown), "held_at": iso(job.held_at)}


def _job(job: Job, shown: Callable[[Job], str | None]) -> dict[str, Any]:
    return {
        "job_id": shown(job),
        "owner": job.owner.get_username(),
        "type": job.type,
        "quality": job.quality,
        "work": job.work,
        "priority": Priority(job.priority).word,
        "saved_steps": job.saved_steps,
    }


def _device(device: Device, jobs: list[Job], shown: Callable[[Job], str | None]) -> dict[str, Any]:
    first = jobs[0] if jobs else None
    return {
        "name": device.name,
        "kind": device.kind,
        "label": device.label,
        "state": device.state,
        "set_aside": _set_aside(device),
        "pause": device.pause,
        "works": device.works,
        "memory_bytes": device.memory_bytes,
        "free_bytes": device.free_now,
        "resident": device.resident,
        "batch_size": len(jobs),
        "job_id": shown(first) if first else None,
        "progress": round(first.progress.percent, 1) if first else None,
    }


def _set_aside(device: Device) -> dict[str, Any] | None:
    why = device.set_aside
    if why is None:
        return None
    return {"code": why.code, "message": why.text, "until": iso(device.set_aside_until)}


def _status(request: PersonRequest, job_id: UUID) -> dict[str, Any]:
    return job_status(request.forecaster, job_of(request, job_id), base=base_of(request))
