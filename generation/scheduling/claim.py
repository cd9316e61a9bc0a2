"""The claim: which waiting job a device takes next.

The policy says in which order work is served and the assignment which device does what; this
module asks both for one device, looking at the heads of the queue only. Several workers may look
at the same row; the conditional UPDATE behind `jobs.start` lets one of them have it, the others
look on.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.utils import timezone

from generation import jobs
from generation.errors import SpecUnreadable
from generation.models import Attempt, Device, Job
from generation.scheduling import heads, placement, present
from generation.scheduling import lanes as built
from generation.scheduling.assignment import LOOK_AHEAD, Lane, assign
from generation.scheduling.policy import WaitingJob
from generation.states import Priority

MAX_BATCH = 4
"""How many alike jobs are denoised together at most."""

ONE_LOAD = 1.0
"""On the only device a load is avoided whatever it costs: no other device can do it sooner."""

SEEN = 200
"""About how many jobs are looked at for one claim."""


def claim(device: Device) -> Attempt | None:
    """The job that this device takes next, now its own; None when there is none for it."""
    while not device.is_paused and (job := _next_job(device, timezone.now())) is not None:
        try:
            attempt = jobs.start(job, device)
        except SpecUnreadable as problem:
            # At the head of the queue it would otherwise stop every device behind it.
            jobs.refuse(job, problem)
            continue
        # Whoever loses the race looks at the queue again: the next in what was read may be far
        # behind those that nobody has.
        if attempt is not None:
            return attempt
    return None


def claim_mates(attempt: Attempt, device: Device) -> list[Attempt]:
    """Jobs like the one that was just claimed, of its priority, to be rendered in one batch.

    Urgent work runs alone: a batch takes longer than each of its members would.
    """
    job = attempt.job
    if not job.batch_key or job.priority == Priority.URGENT or job.saved_steps:
        return []
    alike = placement.claimable(device).filter(
        batch_key=job.batch_key, priority=job.priority, saved_steps=0
    )
    mates = (_started(mate, device) for mate in alike[: MAX_BATCH - 1])
    return [mate for mate in mates if mate is not None]


def _started(job: Job, device: Device) -> Attempt | None:
    try:
        return jobs.start(job, device)
    except SpecUnreadable as problem:
        jobs.refuse(job, problem)
        return None


def _next_job(device: Device, now: datetime) -> Job | None:
    """The job that this device should have now."""
    some = heads.waiting(device)
    if not some:
        return None
    works = {work for _, _, work in some}
    others = [
        other
        for other in Device.objects.online(now).filter(pause="").exclude(pk=device.pk)
        if works & set(other.works)
    ]
    if others:
        waiting = heads.first(device, some, max(2, SEEN // len(some)))
        chosen = _beside_others(device, others, waiting, now)
    else:
        depth = max(1, min(LOOK_AHEAD, SEEN // len(some)))
        chosen = _for_the_only_device(device, heads.first(device, some, depth), now)
    for one in chosen:
        # Somebody else may have had it, and deleted it, by now.
        job = Job.objects.filter(pk=one.key).first()
        if job is not None:
            return job
    return None


def _beside_others(
    device: Device, others: list[Device], waiting: list[WaitingJob], now: datetime
) -> Iterator[WaitingJob]:
    """What the assignment gives to this device, found out as far as somebody asks."""
    devices = [device, *others]
    times, running = built.RunTimes(devices), present.runs()
    there = built.lanes(devices, times, now, running)
    # This device is free: it asks.
    there[0].free_at = now.timestamp()
    order = assign(built.line(waiting, now, running, times), there, now.timestamp())
    return (one.job for one in order if one.lane is there[0])


def _for_the_only_device(
    device: Device, waiting: list[WaitingJob], now: datetime
) -> Iterator[WaitingJob]:
    """The policy's order, but that a loaded model may come first within its bound."""
    lane = Lane(
        device.name,
        now.timestamp(),
        lambda _: True,
        lambda _: 0.0,
        lambda _: ONE_LOAD,
        set(device.resident),
    )
    line = built.line(waiting, now, present.runs())
    return (one.job for one in assign(line, [lane], now.timestamp()))
