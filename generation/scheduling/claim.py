"""The claim: which waiting job a device takes next.

The policy says in which order work is served and the assignment which device does what; this
module asks both for one device, looking at the heads of the queue only. Several workers may look
at the same row; the conditional UPDATE behind `jobs.start` lets one of them have it, the others
look on.
"""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from generation.errors import SpecUnreadable
from generation.estimating.estimator import Estimator
from generation.models import Attempt, Device, Job
from generation.queue import lifecycle
from generation.scheduling import candidates, placement, queue_state
from generation.scheduling.assignment import Assigned, Lane, first_for, only_lane
from generation.scheduling.policy import WaitingJob
from generation.states import Priority

MAX_BATCH = 4
"""How many alike jobs are denoised together at most."""

ROW = "SELECT * FROM generation_job WHERE id = %s"

SEEN = (32, 200, 800, 3200)
"""About how many jobs are looked at for one claim: few, and more while those leave it open which
job is the device's, as on a slow one beside others that would be done sooner."""


def claim(device: Device, estimator: Estimator) -> Attempt | None:
    """The job that this device takes next, now its own; None when there is none for it."""
    while not device.is_paused:
        chosen = next_job(device, timezone.now(), estimator)
        if chosen is None:
            return None
        # Whoever loses the race looks at the queue again: the next in what was read may be far
        # behind those that nobody has.
        job = _read(chosen)
        attempt = _started(job, device) if job is not None else None
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
        return lifecycle.start(job, device)
    except SpecUnreadable as problem:
        # At the head of the queue it would otherwise stop every device behind it.
        lifecycle.refuse(job, problem)
        return None


def _read(chosen: WaitingJob) -> Job | None:
    """The job's row; None when somebody has deleted it by now."""
    # Not written by the ORM, as every claim asks this.
    return next(iter(Job.objects.raw(ROW, [chosen.key])), None)


def next_job(device: Device, now: datetime, estimator: Estimator) -> WaitingJob | None:
    """The job that this device should have now."""
    found = candidates.waiting(device, now.timestamp(), queue_state.ageing_seconds())
    if not found:
        return None
    situation = Situation(device, {head.key[-1] for head in found}, now, estimator)
    chosen: Assigned | None = None
    for seen in SEEN:
        look = candidates.Candidates(device, found, seen)
        before, chosen = situation.given(look.jobs)
        if look.is_whole or (chosen is not None and look.shows(chosen.level, before)):
            break
    return chosen.job if chosen else None


class Situation:
    """The device that asks and those beside it, with what they do at this moment."""

    def __init__(
        self, device: Device, works: set[str], now: datetime, estimator: Estimator
    ) -> None:
        others = [other for other in queue_state.online(now) if other.pk != device.pk]
        self._devices = [device, *(other for other in others if works & set(other.works))]
        self._now = now
        self._running = queue_state.runs()
        self._times: queue_state.RunTimes | None = None
        if len(self._devices) > 1:
            self._times = queue_state.RunTimes(self._devices, estimator)

    def given(self, waiting: list[WaitingJob]) -> tuple[list[WaitingJob], Assigned | None]:
        """What the assignment gives to the device first, and the jobs that it gives out before."""
        asking, *others = self._lanes()
        line = queue_state.line(waiting, self._now, self._running, self._times)
        return first_for(asking, others, line, self._now.timestamp())

    def _lanes(self) -> list[Lane]:
        if self._times is not None:
            return queue_state.lanes(self._devices, self._times, self._now, self._running)
        (alone,) = self._devices
        return [only_lane(alone.name, alone.resident)]
