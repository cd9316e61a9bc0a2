"""Leases: until when a job stays with its worker, by the clock of the database.

All processes compare with one clock, whatever the clocks of their machines do. Under SQLite it is
the machine's, which may be set back: a lease that ends later than any lease can is cut to the
usual length, so that a vanished worker does not keep its job until the clock has caught up.
"""

from datetime import timedelta

from django.conf import settings
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now
from django.db.models.query_utils import Q

from generation.models import Attempt, Job
from generation.states import Outcome, Status

SLACK = timedelta(seconds=5)
"""A lease may end this much later than a new one: processes may differ in GENGA_LEASE_SECONDS."""


def lease_length() -> timedelta:
    """How long a claimed job stays with its worker without a heartbeat."""
    return timedelta(seconds=settings.GENGA_LEASE_SECONDS)


def end_of_new_lease() -> CombinedExpression:
    """The end of a lease that begins now, as an expression for an UPDATE."""
    return Now() + lease_length()


def renew(attempt: Attempt) -> None:
    """Renew the lease of an attempt that still owns its job, and note how long it has run."""
    Job.objects.filter(
        pk=attempt.job_id, status=Status.PROCESSING, attempt_number=attempt.number
    ).update(lease_expires_at=end_of_new_lease())
    Attempt.objects.filter(pk=attempt.pk, outcome=Outcome.RUNNING).update(
        run_seconds=attempt.elapsed
    )


def is_over() -> Q:
    """The condition on an attempt whose job's lease has run out."""
    return Q(job__status=Status.PROCESSING, job__lease_expires_at__lt=Now())


def cut_to_length() -> int:
    """Cut leases that end later than any can, after the clock was set back; their number.

    A worker that lives renews its lease before the new end.
    """
    longest = end_of_new_lease() + SLACK
    return (
        Job.objects.processing()
        .filter(lease_expires_at__gt=longest)
        .update(lease_expires_at=end_of_new_lease())
    )
