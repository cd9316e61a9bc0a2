"""Breakdowns of a job: its worker was lost, or the database failed. After some it fails."""

from django.db.models import Max, Q

from generation.errors import DatabaseUnusable
from generation.live.events import EventKind
from generation.models import Job, JobEvent

MAX_ATTEMPTS = 3
"""A job fails when its worker was lost, or the database failed, this often."""


def count(job: Job) -> int:
    """The number of breakdowns since the job's submit or last retry.

    By the numbers of the events, because the clock may have been set meanwhile.
    """
    events = JobEvent.objects.filter(job=job)
    queued = events.filter(kind=EventKind.QUEUED).aggregate(last=Max("sequence"))["last"] or 0
    failed = Q(kind=EventKind.HANDED_BACK, data__code=DatabaseUnusable.code)
    return events.filter(Q(kind=EventKind.LOST) | failed, sequence__gt=queued).count()
