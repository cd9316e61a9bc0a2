"""Whether the job that a device runs has to give way to an urgent one now."""

from __future__ import annotations

from django.db.models import Exists
from django.utils import timezone

from generation.models import Attempt, Device, Job
from generation.scheduling import placement
from generation.scheduling.preemption import Running, victims
from generation.states import Pause, Priority

A_MOMENT = 0.001
"""Seconds that are left at least of what still runs."""


def urgent_waits() -> Exists:
    """In a query: whether any urgent work waits at all. Asked at every step of every render."""
    return Exists(Job.objects.waiting().order_by().filter(priority=Priority.URGENT))


def gives_way(attempt: Attempt, device: Device) -> bool:
    """Whether this device is among those that urgent work needs now.

    Devices that are free take it themselves; every other device asks the same question of the same
    rows, so as many give way as there is urgent work for.
    """
    if attempt.job.priority == Priority.URGENT or device.is_paused:
        return False
    first = placement.claimable(device).filter(priority=Priority.URGENT).first()
    if first is None:
        return False
    able = [one for one in Device.objects.online().filter(pause=Pause.NONE) if _takes(one, first)]
    # Of a batch the member that gave way most often stands for all.
    present = Job.objects.processing().filter(device__in=able).order_by("preemptions")
    running = {job.device_id: job for job in present.select_related("progress")}
    urgent = Job.objects.waiting().filter(priority=Priority.URGENT, work=first.work).count()
    free = sum(one.pk not in running for one in able)
    busy = [_running(one, running[one.pk]) for one in able if one.pk in running]
    return device.name in victims(busy, urgent - free)


def _takes(device: Device, job: Job) -> bool:
    pinned = job.pinned_to_id
    return placement.refusal(device, job.work, job.family, job.longest_side, pinned) is None


def _running(device: Device, job: Job) -> Running:
    remaining, whole = job.progress.remaining_seconds, None
    if remaining is not None:
        remaining -= (timezone.now() - job.progress.updated_at).total_seconds()
        # A run is not nearly done because it outlives its estimate: its progress tells the share.
        remaining = max(remaining, A_MOMENT)
        done = job.progress.percent / 100.0
        whole = remaining / (1.0 - done) if done < 1.0 else remaining
    return Running(device.name, job.priority, job.preemptions, remaining, whole)
