"""State transitions: the only place that writes a job's status.

Each transition is a conditional UPDATE that must change exactly one row, in a transaction with one
numbered JobEvent. The return value says whether the job changed, so that the caller knows if it
lost a race. Watchers are notified after the commit. Only `lifecycle` and `requests` call this
module.
"""

from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from generation.live import events
from generation.live.events import EventKind
from generation.models import Job, JobEvent
from generation.states import TRANSITIONS, Status

RECORD = """
INSERT INTO generation_jobevent (job_id, sequence, kind, at, data)
VALUES (%s, (SELECT event_sequence FROM generation_job WHERE id = %s), %s, %s, %s)
"""
"""One statement, because it runs at every transition. The ORM would need two."""


def move(
    job: Job,
    source: Status,
    target: Status,
    kind: EventKind,
    *,
    where: dict[str, Any] | None = None,
    fields: dict[str, Any] | None = None,
    data: dict[str, Any] | None = None,
) -> bool:
    """Change a job's status from `source` to `target`; False, without a change, if it lost a race.

    Raises ValueError for a transition that does not exist.
    """
    if target not in TRANSITIONS[source]:
        raise ValueError(f"a job cannot go from {source} to {target}")
    return note(
        job,
        kind,
        where={"status": source, **(where or {})},
        fields={"status": target, **(fields or {})},
        data=data,
    )


def note(
    job: Job,
    kind: EventKind,
    *,
    where: dict[str, Any],
    fields: dict[str, Any],
    data: dict[str, Any] | None = None,
) -> bool:
    """Change a job if it still matches `where`, and record the event. False if it does not."""
    with transaction.atomic(savepoint=False):
        changed = Job.objects.filter(pk=job.pk, **where).update(
            event_sequence=F("event_sequence") + 1, **fields
        )
        if changed:
            record(job.pk, kind, data or {})
            scope, job_id, owner = job.scope, job.pk, job.owner_id
            # The change is made: what follows may be lost, as a message may.
            transaction.on_commit(
                lambda: events.publish_job(kind, job_id, scope, owner), robust=True
            )
    return bool(changed)


def record(job_id: Any, kind: EventKind, data: dict[str, Any]) -> None:
    """Write the event with the sequence number that this transaction's UPDATE has just set."""
    event = JobEvent(job_id=job_id, kind=kind, at=timezone.now(), data=data)
    fields = {field.name: field for field in JobEvent._meta.concrete_fields}
    job, *others = (
        fields[name].get_db_prep_save(getattr(event, fields[name].attname), connection)
        for name in ("job", "kind", "at", "data")
    )
    with connection.cursor() as cursor:
        cursor.execute(RECORD, [job, job, *others])


def ring_on_commit(job: Job) -> None:
    """Ring for a waiting job, and notify its watchers, after this transaction is committed."""
    job_id, scope = job.pk, job.scope

    def ring() -> None:
        events.publish_job(EventKind.QUEUED, job_id, scope)
        events.job_waiting.send(sender=Job, job_id=job_id)

    transaction.on_commit(ring, robust=True)
