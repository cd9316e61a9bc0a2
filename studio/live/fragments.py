"""Fragments of pages, rendered once for all viewers.

Pages include the same templates in their first paint. A pushed fragment contains nothing that
depends on the viewer. The queue's fragments contain no prompts and no pictures, because everybody
sees the queue; those go to the project's group.
"""

import base64
import json
from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch
from django.template.loader import render_to_string

from generation.live.events import QUEUE_GROUP, EventKind, job_group, person_group
from generation.models import Device, Job
from generation.scheduling.forecast import Forecast, Forecaster
from generation.sentences import Said
from generation.states import Work
from studio.live import sentences
from studio.live.notices import notices
from studio.models import Shot, Take, Verdict
from studio.presentation import job_history
from studio.presentation.status import forecast_for, job_status, remaining_seconds, stage_text
from studio.production import devices

FINISHED_SHOWN = 8
QUEUE_SHOWN = 50


@dataclass(frozen=True, slots=True)
class Topic:
    """What a viewer follows: HTML of a group, or JSON of a job with URLs that begin with `base`."""

    group: str
    base: str | None = None


Parts = dict[str, str]
"""Rendered texts by name. A newer text replaces the older one of the same name."""


def render_job(
    forecaster: Forecaster, job_id: str, kinds: set[str], topics: Iterable[Topic]
) -> dict[Topic, Parts]:
    """What the topics show of a job after events of these kinds, each fragment rendered once."""
    job = _job(job_id)
    if job is None:
        return {}
    moved = kinds != {EventKind.PROGRESS}
    context = job_context(forecaster, job)
    own = {**context, **(job_details(job) if moved else {})}
    takes = Take.objects.select_related("character", "style", "shot__project")
    own["take"] = takes.filter(job=job).first()
    parts: dict[Topic, Parts] = {}
    for topic in topics:
        if topic.base is not None:
            parts[topic] = {"status": json.dumps(job_status(forecaster, job, base=topic.base))}
        elif topic.group == QUEUE_GROUP:
            parts[topic] = render_queue(forecaster) if moved else _html(_PUBLIC, context)
        elif topic.group == job_group(job_id):
            parts[topic] = _html(_JOB_MOVED if moved else _JOB_PROGRESS, own)
        elif topic.group == person_group(job.owner_id):
            parts[topic] = notices(job, own["take"], kinds)
        else:
            parts[topic] = _html(_JOB_PROGRESS, context) | (_shot(forecaster, job) if moved else {})
    return parts


def render_running(forecaster: Forecaster, topics: Iterable[Topic]) -> Parts:
    """The progress of the running jobs, for a page that joins.

    Progress is not stored as an event, so a page cannot find out that it missed some. Without
    this, a page that joins while a model loads would show the previous stage until the next step.
    """
    topics, parts = list(topics), Parts()
    for job in Job.objects.processing():
        groups = {QUEUE_GROUP, job.scope, job_group(job.pk)}
        shown = [topic for topic in topics if topic.group in groups]
        rendered = render_job(forecaster, str(job.pk), {EventKind.PROGRESS}, shown)
        for topic_parts in rendered.values():
            parts |= topic_parts
    return parts


def render_queue(forecaster: Forecaster) -> Parts:
    """The board: the devices and the waiting jobs."""
    return _html({"devices": "fragments/devices.html", **_WAITING}, queue_context(forecaster))


def render_waiting(forecaster: Forecaster) -> Parts:
    """Only the waiting jobs, whose start times change while others run. Empty when none wait."""
    if not Job.objects.waiting().exists():
        return {}
    return _html(_WAITING, waiting_context(forecaster.forecast()))


def job_context(forecaster: Forecaster, job: Job, queue: Forecast | None = None) -> dict[str, Any]:
    """The context of the templates of a job's fragments.

    `queue` is for callers that have a forecast already.
    """
    queue = queue or forecast_for(forecaster, job)
    return {
        "job": job,
        "spec": job.spec,
        "stage": stage_text(job, queue),
        "remaining": remaining_seconds(job, queue),
        "place": queue.place_of(job) if queue else None,
        "output": next(iter(job.outputs.all()), None),
        "preview": preview_data(job),
        "took": _took(job),
    }


def job_details(job: Job) -> dict[str, Any]:
    """The context of the job page's history."""
    return {"history": job_history.lines(job), "timelines": job_history.timelines(job)}


def take_details(forecaster: Forecaster, take: Take) -> dict[str, Any]:
    """The context of the take's page: its reviews, and its final when it is an approved draft."""
    final = Take.objects.kept().filter(draft=take).select_related("job", "shot__project").first()
    reviews = take.reviews.select_related("requested_by", "reviewer")
    details = {"take": take, "reviews": reviews, "final": final}
    return {**details, **_coming(forecaster, take)}


def _coming(forecaster: Forecaster, take: Take) -> dict[str, Any]:
    """What the approval of a draft in review will render, and how long that takes."""
    if take.verdict != Verdict.PENDING or take.final_spec is None:
        return {}
    estimate = forecaster.estimator.estimate(take.final_spec)
    return {"coming": take.final_spec, "coming_seconds": estimate.seconds if estimate else None}


def preview_data(job: Job) -> str:
    """The running render's latest preview as a data URL; empty when there is none."""
    if not job.progress.preview:
        return ""
    return "data:image/webp;base64," + base64.b64encode(job.progress.preview).decode()


def queue_context(forecaster: Forecaster) -> dict[str, Any]:
    """The context of the queue's board."""
    queue = forecaster.forecast()
    running: dict[int | None, list[Job]] = {}
    for job in Job.objects.processing().for_pages():
        running.setdefault(job.device_id, []).append(job)
    calibrations = devices.calibrations()
    board = [
        {
            **_device_context(forecaster, device, running.get(device.pk, [])),
            "calibration": calibrations.get(device.pk),
        }
        for device in Device.objects.all()
    ]
    next_start = _next_start((entry["device"] for entry in board), running.keys())
    return {"devices": board, "next_start": next_start, **waiting_context(queue)}


def _next_start(board: Iterable[Device], busy: Container[int | None]) -> Said:
    """When a render would start while nothing waits."""
    taking = [device for device in board if device.state == "online"]
    if any(device.pk not in busy for device in taking):
        return sentences.STARTS_AT_ONCE.said()
    return (sentences.STARTS_WHEN_FREE if taking else sentences.STARTS_WITH_A_DEVICE).said()


def _device_context(forecaster: Forecaster, device: Device, jobs: list[Job]) -> dict[str, Any]:
    """A device with the first job it runs, and the number of other jobs in the batch."""
    takes = [] if set(device.works) == set(Work) else device.work_labels
    context = {"device": device, "takes": takes, "others": max(0, len(jobs) - 1)}
    return {**context, **(job_context(forecaster, jobs[0]) if jobs else {})}


def waiting_context(queue: Forecast) -> dict[str, Any]:
    """The context of the lists of waiting and held jobs."""
    shown = queue.places[:QUEUE_SHOWN]
    jobs = Job.objects.select_related("owner").in_bulk([place.key for place in shown])
    held = Job.objects.held()
    # A job may have been claimed between the two queries.
    return {
        "places": [{"place": p, "job": jobs[p.key]} for p in shown if p.key in jobs],
        "waiting": len(queue.places),
        "hidden": max(0, len(queue.places) - QUEUE_SHOWN),
        "held": list(held.select_related("owner")[:QUEUE_SHOWN]),
        "on_hold": held.count(),
    }


def shot_takes(forecaster: Forecaster, shot: Shot) -> list[dict[str, Any]]:
    """The shot's takes, newest first, each with its job's context."""
    takes = Take.objects.kept().filter(shot=shot).for_pages()
    queue = forecaster.forecast()
    return [{"take": take, **job_context(forecaster, take.job, queue)} for take in takes]


def shots_with_best(forecaster: Forecaster, shots: Iterable[Shot]) -> list[dict[str, Any]]:
    """Shots for the board, each with its best take and the number of its takes."""
    queue = forecaster.forecast()
    loaded = Shot.objects.filter(pk__in=[shot.pk for shot in shots]).select_related(
        "project", "sequence"
    )
    found = loaded.prefetch_related(Prefetch("takes", Take.objects.kept().for_pages()))
    return [_shot_context(forecaster, shot, queue) for shot in found]


def _shot_context(forecaster: Forecaster, shot: Shot, queue: Forecast) -> dict[str, Any]:
    takes = list(shot.takes.all())
    best = _best(takes)
    running = next((take for take in takes if not take.job.state.ended), None)
    shown = best or running or (takes[0] if takes else None)
    context: dict[str, Any] = {"shot": shot, "take": shown, "takes": len(takes)}
    if shown is not None:
        context |= job_context(forecaster, shown.job, queue)
        context["rendering"] = running
    return context


def _best(takes: list[Take]) -> Take | None:
    """Of the takes with a picture: a final, else an approved one, else the newest."""
    finished = [take for take in takes if take.output is not None]
    ranked = sorted(
        finished,
        key=lambda take: (take.draft_id is not None, take.verdict == "approved", take.number),
    )
    return ranked[-1] if ranked else None


_WAITING = {"waiting": "fragments/waiting.html"}
_PUBLIC = {"progress": "fragments/job_progress.html"}
_JOB_PROGRESS = {**_PUBLIC, "picture": "fragments/job_picture.html"}
_JOB_MOVED = {
    **_PUBLIC,
    "large": "fragments/job_large.html",
    "state": "fragments/job_state.html",
    "history": "fragments/job_history.html",
    "settings": "fragments/job_settings.html",
    "consistency": "fragments/job_consistency.html",
}


def _html(templates: dict[str, str], context: dict[str, Any]) -> Parts:
    pushed = {**context, "pushed": True}
    job = context.get("job")
    prefix = f"{job.pk}:" if job is not None else ""
    return {
        prefix + name: render_to_string(template, pushed) for name, template in templates.items()
    }


def _shot(forecaster: Forecaster, job: Job) -> Parts:
    """The shot's card on the board and its list of takes, for the take of a job."""
    take = Take.objects.filter(job=job).for_pages().first()
    if take is None:
        return {}
    shot = take.shot
    card = {**shots_with_best(forecaster, [shot])[0], "pushed": True}
    takes = {"shot": shot, "takes": shot_takes(forecaster, shot), "pushed": True}
    finished = {**take_details(forecaster, take), **job_context(forecaster, job), "pushed": True}
    parts: Parts = {
        f"shot:{shot.pk}": render_to_string("fragments/shot_card.html", card),
        f"takes:{shot.pk}": render_to_string("fragments/takes.html", takes),
        f"take:{take.pk}": render_to_string("fragments/take_review.html", finished),
        f"settings:{job.pk}": render_to_string("fragments/job_settings.html", finished),
        f"large:{job.pk}": render_to_string("fragments/job_large.html", finished),
        f"consistency:{job.pk}": render_to_string("fragments/job_consistency.html", finished),
    }
    if job.state.ended:
        parts[f"finished:{job.pk}"] = render_to_string("fragments/finished.html", finished)
    return parts


def _took(job: Job) -> float | None:
    """Seconds from the start to the end; None while the job has not ended, or by a set clock."""
    if job.started_at is None or job.finished_at is None:
        return None
    seconds = (job.finished_at - job.started_at).total_seconds()
    return seconds if seconds >= 0 else None


def _job(job_id: str) -> Job | None:
    found = Job.objects.for_pages().prefetch_related("attempts__timings", "events")
    return found.filter(pk=job_id).first()
