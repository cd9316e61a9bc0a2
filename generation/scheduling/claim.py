"""The claim: which waiting job a device takes next.

The policy defines the order in which work is served, and the assignment which device runs which
job. This module asks both for one device, and reads only the claim candidates. Several workers may
choose the same job; the conditional UPDATE in `lifecycle.start` gives it to one of them, and the
others choose again.
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
"""The largest number of jobs that are denoised together."""

ROW = "SELECT * FROM generation_job WHERE id = %s"

SEEN = (32, 200, 800, 3200)
"""About how many jobs one claim reads: few at first, and more while it is not clear which job the
device gets, for example on a slow device when other devices would finish sooner."""


def claim(device: Device, estimator: Estimator) -> Attempt | None:
    """Claim the next job for this device; None if there is none for it."""
    while not device.is_paused:
        chosen = next_job(device, timezone.now(), estimator)
        if chosen is None:
            return None
        # After a lost race, read the queue again: other workers may have claimed many of the jobs
        # that were read, while jobs that were not read come first.
        job = _read(chosen)
        attempt = _started(job, device) if job is not None else None
        if attempt is not None:
            return attempt
    return None


def claim_mates(attempt: Attempt, device: Device) -> list[Attempt]:
    """Claim jobs with the batch key and priority of the attempt's job, to run as one batch.

    Urgent work runs alone, because a batch takes longer than a single job.
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
        # If it stayed first in the queue, it would block every device.
        lifecycle.refuse(job, problem)
        return None


def _read(chosen: WaitingJob) -> Job | None:
    """The job's row; None if it was deleted meanwhile."""
    # SQL, because every claim runs this query.
    return next(iter(Job.objects.raw(ROW, [chosen.key])), None)


def next_job(device: Device, now: datetime, estimator: Estimator) -> WaitingJob | None:
    """Choose the job that this device should run now."""
    found = candidates.waiting(device, now.timestamp(), queue_state.ageing_seconds())
    if not found:
        return None
    situation = Situation(device, {group.key[-1] for group in found}, now, estimator)
    chosen: Assigned | None = None
    for seen in SEEN:
        look = candidates.Candidates(device, found, seen)
        before, chosen = situation.given(look.jobs)
        if look.is_whole or (chosen is not None and look.shows(chosen.level, before)):
            break
    return chosen.job if chosen else None


class Situation:
    """The claiming device and the other devices for such work, with their running jobs."""

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
        """Return the first job assigned to the device, after the jobs assigned before it."""
        asking, *others = self._lanes()
        line = queue_state.line(waiting, self._now, self._running, self._times)
        return first_for(asking, others, line, self._now.timestamp())

    def _lanes(self) -> list[Lane]:
        if self._times is not None:
            return queue_state.lanes(self._devices, self._times, self._now, self._running)
        (alone,) = self._devices
        return [only_lane(alone.name, alone.resident)]
