"""Whether the job that a device runs has to give way to an urgent one now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from generation.models import Attempt, Device, Job
from generation.scheduling import placement
from generation.scheduling.placement import JobNeeds
from generation.scheduling.preemption import Running, victims
from generation.scheduling.queue_state import online
from generation.states import Priority

A_MOMENT = 0.001
"""Seconds that are left at least of what still runs."""
MOST = 100
"""So many urgent jobs are looked at: there are never as many devices."""


@dataclass(frozen=True, slots=True)
class _Run:
    """What a device runs, with its progress; of a batch the member that gave way most often."""

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
    """Whether this device is among those that urgent work needs now.

    Devices that are free take it themselves; every other device asks the same question of the same
    rows, so as many give way as there is urgent work for.
    """
    if attempt.job.priority == Priority.URGENT or device.is_paused:
        return False
    if attempt.job.pinned_to_id is not None and _others_wait(device):
        return True
    waiting = _urgent()
    first = next((one for one in waiting if placement.takes(device, one)), None)
    if first is None:
        return False
    able = [one for one in online(timezone.now()) if placement.takes(one, first)]
    running = _running({one.pk for one in able})
    free = sum(one.pk not in running for one in able)
    busy = [_plain(one, running[one.pk]) for one in able if one.pk in running]
    return device.name in victims(busy, sum(one.work == first.work for one in waiting) - free)


def _others_wait(device: Device) -> bool:
    """Whether the device takes any waiting job that is no calibration: those yield to all work."""
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
        remaining -= (timezone.now() - run.told_at).total_seconds()
        # A run is not nearly done because it outlives its estimate: its progress tells the share.
        remaining = max(remaining, A_MOMENT)
        done = run.percent / 100.0
        whole = remaining / (1.0 - done) if done < 1.0 else remaining
    return Running(device.name, run.priority, run.preemptions, remaining, whole)
