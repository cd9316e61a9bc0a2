"""The claim: which waiting job a device takes next.

The order is priority first, then who waits longest. Several workers may look at the same row;
the conditional UPDATE behind `jobs.start` lets one of them have it, the others look on.
"""

from generation import jobs
from generation.errors import SpecUnreadable
from generation.models import Attempt, Device
from generation.models.job import Job, JobQuerySet

LOOK_AHEAD = 8
"""How many rows are read at once: losers of a race find their next candidate without a query."""


def claim(device: Device) -> Attempt | None:
    """The best job that this device may run, now its own; None when there is none."""
    if device.is_paused:
        return None
    while True:
        candidates = list(claimable(device)[:LOOK_AHEAD])
        for job in candidates:
            try:
                attempt = jobs.start(job, device)
            except SpecUnreadable as problem:
                # At the head of the queue it would otherwise stop every device behind it.
                jobs.refuse(job, problem)
                continue
            if attempt is not None:
                return attempt
        if not candidates:
            return None


def claimable(device: Device) -> JobQuerySet:
    """Waiting jobs of the kinds that a device makes, in the order of the queue."""
    return Job.objects.waiting().filter(type__in=device.types)
