"""Takes jobs back from workers that are gone.

Workers and web processes call this, so that no job waits for a worker that will not come back,
even when no other worker is alive.
"""

from collections.abc import Callable

from django.db.models import Q, QuerySet

from generation.models import Attempt, Device, Job
from generation.queue import leases, lifecycle
from generation.states import Outcome, Status


def sweep_leases(may_judge: Callable[[], bool] = lambda: True) -> int:
    """Take back every job whose worker stopped renewing its lease; return their number.

    `may_judge` is asked after the first write, which waits as long as the database is locked. A
    process that lives on passes that of its `Pace`.

    A job whose cancellation was requested is not kept until the lease ends: it ends as soon as its
    device is away, because nobody is there who could stop it.
    """
    leases.cut_to_length()
    Device.objects.cut_heartbeats()
    if not may_judge():
        return 0
    return _give_up(_running().filter(leases.is_over() | _cancelled_while_away()))


def take_back(device: Device) -> int:
    """Take back the jobs of a device whose worker has ended; return their number."""
    return _give_up(_running().filter(job__device=device))


def end_cancelled(job: Job) -> int:
    """End a job whose cancellation was requested while its device is away; 1 if it did."""
    return _give_up(_running().filter(_cancelled_while_away(), job=job))


def _running() -> QuerySet[Attempt]:
    running = Attempt.objects.filter(outcome=Outcome.RUNNING, job__status=Status.PROCESSING)
    return running.select_related("job")


def _cancelled_while_away() -> Q:
    silent = Q(job__device__heartbeat_at__lte=Device.oldest_heartbeat())
    away = silent | Q(job__device__heartbeat_at=None)
    return Q(job__cancel_requested_at__isnull=False) & away


def _give_up(attempts: QuerySet[Attempt]) -> int:
    return sum(lifecycle.give_up_lost(attempt) for attempt in attempts)
