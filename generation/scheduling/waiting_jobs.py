"""The whole queue as plain data, cached so that it can be read often.

Only the priority, the rank, the queued time and the saved steps of a waiting job ever change. A
process caches all other columns as long as these are the same, so that it reads only five short
columns to read ten thousand jobs again.
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
"""SQL with raw values, because converting keys and times to objects takes most of the time."""
ONE_BY_ONE = 500
"""Up to this number, missing jobs are selected by key; otherwise all waiting jobs are read."""

_Seen = tuple[Any, int, float, Any, int]


class WaitingJobs:
    """A cache of the waiting jobs for one process; its threads may share it."""

    def __init__(self) -> None:
        self._known: dict[_Seen, WaitingJob] = {}

    def read(self) -> list[WaitingJob]:
        """Return all waiting jobs."""
        with connection.cursor() as cursor:
            cursor.execute(CHANGING)
            seen: list[_Seen] = cursor.fetchall()
        known = self._known
        found = [known.get(row) for row in seen]
        missing = [row for row, job in zip(seen, found, strict=True) if job is None]
        if not missing and len(seen) == len(known):
            return cast(list[WaitingJob], found)
        # Forget jobs that no longer wait. A job that was claimed meanwhile is not returned.
        kept = {row: job for row, job in zip(seen, found, strict=True) if job}
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
    """Make a WaitingJob from COLUMNS; `left` is the fraction of its run time that is left."""
    return WaitingJob(
        key,
        owner,
        priority,
        seconds(queued),
        rank,
        work,
        family,
        longest_side,
        # A job without a family loads no model.
        model if family else "",
        shape,
        batch_key,
        left,
        pinned,
    )


def _in_full(missing: list[_Seen]) -> dict[_Seen, WaitingJob]:
    if not missing:
        return {}
    wanted = {seen[0]: seen for seen in missing}
    rows = Job.objects.waiting().order_by()
    if len(missing) <= ONE_BY_ONE:
        rows = rows.filter(pk__in=list(wanted))
    saved = {job.pk: job.left for job in Job.objects.waiting().filter(saved_steps__gt=0)}
    found = {}
    for row in rows.values_list(*COLUMNS):
        seen = wanted.get(_stored(row[0]))
        if seen is not None:
            found[seen] = waiting_job(*row, left=saved.get(row[0], 1.0))
    return found


def _stored(key: UUID) -> Any:
    """The key as the database stores it."""
    return Job._meta.pk.get_db_prep_value(key, connection)
