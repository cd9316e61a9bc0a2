"""The whole queue as plain data, read quickly again and again.

Of a job that waits only its priority, its rank, the moment since which it waits and its saved steps
ever change. A process keeps what it has read of every other column for as long as those are the
same, so that another look at ten thousand jobs reads five short columns.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.db import connection

from generation.models import Job
from generation.scheduling.policy import WaitingJob
from generation.scheduling.queue_state import seconds

COLUMNS = (
    "pk",
    "owner_id",
    "priority",
    "queued_at",
    "rank",
    "work",
    "family",
    "longest_side",
    "model__slug",
    "shape",
    "batch_key",
    "pinned_to_id",
)
CHANGING = """
SELECT id, priority, rank, queued_at, saved_steps FROM generation_job
WHERE status = 'queued' AND held_at IS NULL
"""
"""In SQL and as the database has them: to make objects of keys and moments is what takes long."""
ONE_BY_ONE = 500
"""So many missing jobs are asked for by their keys, more by reading everything."""

_Seen = tuple[Any, int, float, Any, int]


class WaitingJobs:
    """The waiting jobs as one process has read them; its threads may share it."""

    def __init__(self) -> None:
        self._known: dict[_Seen, WaitingJob] = {}

    def read(self) -> list[WaitingJob]:
        """Every waiting job."""
        with connection.cursor() as cursor:
            cursor.execute(CHANGING)
            seen: list[_Seen] = cursor.fetchall()
        known = self._known
        found = [known.get(one) for one in seen]
        missing = [one for one, job in zip(seen, found, strict=True) if job is None]
        if not missing and len(seen) == len(known):
            return cast(list[WaitingJob], found)
        # What waits no longer is forgotten; a job that was claimed meanwhile is left out.
        kept = {one: job for one, job in zip(seen, found, strict=True) if job}
        self._known = now = kept | _in_full(missing)
        return list(now.values())


def waiting_job(
    key: Any,
    owner: int,
    priority: int,
    queued: datetime | str,
    rank: float,
    work: str,
    family: str,
    longest_side: int,
    model: str,
    shape: str,
    batch_key: str,
    pinned: int | None = None,
    *,
    left: float = 1.0,
) -> WaitingJob:
    """A waiting job from the columns COLUMNS; `left` is the share of its run time that is left."""
    return WaitingJob(
        key,
        owner,
        priority,
        seconds(queued),
        rank,
        work,
        family,
        longest_side,
        # What draws nothing loads no model.
        model if family else "",
        shape,
        batch_key,
        left,
        pinned,
    )


def _in_full(missing: list[_Seen]) -> dict[_Seen, WaitingJob]:
    if not missing:
        return {}
    wanted = {one[0]: one for one in missing}
    rows = Job.objects.waiting().order_by()
    if len(missing) <= ONE_BY_ONE:
        rows = rows.filter(pk__in=list(wanted))
    saved = {job.pk: job.left for job in Job.objects.waiting().filter(saved_steps__gt=0)}
    found = {}
    for row in rows.values_list(*COLUMNS):
        one = wanted.get(_stored(row[0]))
        if one is not None:
            found[one] = waiting_job(*row, left=saved.get(row[0], 1.0))
    return found


def _stored(key: UUID) -> Any:
    """A key as the database has it."""
    return Job._meta.pk.get_db_prep_value(key, connection)
