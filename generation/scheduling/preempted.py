"""Decides whether the job that a device runs must yield to another now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from generation.models import Attempt, Device, Job
from generation.scheduling import placement
from generation.scheduling.placement import JobNeeds
from generation.scheduling.preemption import Running, victims, yields_to_all
from generation.scheduling.queue_state import online
from generation.states import Priority

A_MOMENT = 0.001
"""The least remaining time of a job that still runs, in seconds."""
MOST = 100
"""The most urgent jobs that are read; there are never as many devices."""


@dataclass(frozen=True, slots=True)
class _Run:
    """A device's running job with its progress; of a batch, the member preempted most often."""

    device_id: int
    priority: int
    preemptions: int
    remaining: float | None
    told_at: datetime
    percent: float


RUN = (
    "device_id",
    "priority",
    "preemptions",
    "progress__remaining_seconds",
    "progress__updated_at",
    "progress__percent",
)


def is_preempted(attempt: Attempt, device: Device) -> bool:
    """Whether this device must yield to other work now: a calibration to any, others to urgent.

    Free devices claim urgent jobs themselves. All busy devices decide from the same rows, so only
    as many yield as there are urgent jobs left.
    """
    job = attempt.job
    if job.priority == Priority.URGENT or device.is_paused:
        return False
    if yields_to_all(job.priority, job.pinned_to_id, job.preemptions) and _others_wait(device):
        return True
    waiting = _urgent()
    first = next((needs for needs in waiting if placement.takes(device, needs)), None)
    if first is None:
        return False
    able = [other for other in online(timezone.now()) if placement.takes(other, first)]
    running = _running({other.pk for other in able})
    free = sum(other.pk not in running for other in able)
    busy = [_plain(other, running[other.pk]) for other in able if other.pk in running]
    urgent = sum(needs.work == first.work for needs in waiting)
    return device.name in victims(busy, urgent - free)


def _others_wait(device: Device) -> bool:
    """Whether the device takes a waiting job other than a calibration."""
    return placement.claimable(device).filter(pinned_to=None).exists()


def _urgent() -> list[JobNeeds]:
    rows = Job.objects.waiting().filter(priority=Priority.URGENT)
    columns = rows.values_list("work", "family", "longest_side", "pinned_to_id")
    return [JobNeeds(*row) for row in columns[:MOST]]


def _running(devices: set[int]) -> dict[int, _Run]:
    rows = Job.objects.processing().filter(device__in=devices).order_by("preemptions")
    return {row[0]: _Run(*row) for row in rows.values_list(*RUN)}


def _plain(device: Device, run: _Run) -> Running:
    remaining, whole = run.remaining, None
    if remaining is not None:
        remaining -= max(0.0, (timezone.now() - run.told_at).total_seconds())
        # A run that takes longer than estimated is not nearly done: use its progress.
        remaining = max(remaining, A_MOMENT)
        done = run.percent / 100.0
        whole = remaining / (1.0 - done) if done < 1.0 else remaining
    return Running(device.name, run.priority, run.preemptions, remaining, whole)
