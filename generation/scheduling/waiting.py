"""The whole queue as plain data, read quickly again and again.

Of a job that waits only its priority, its rank, the moment since which it waits and its saved steps
ever change. A process keeps what it has read of every other column for as long as those are the
same, so that another look at ten thousand jobs reads five short columns.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import CharField
from django.db.models.functions import Cast

from generation.models import Job
from generation.models.job import JobQuerySet
from generation.scheduling.policy import WaitingJob

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
CHANGING = ("key_text", "priority", "rank", "queued_text", "saved_steps")
"""As the database has them: to make objects of keys and moments is what takes long."""
ONE_BY_ONE = 500
"""So many missing jobs are asked for by their keys, more by reading everything."""

_Seen = tuple[str, int, float, str, int]
_known: dict[_Seen, WaitingJob] = {}


def read() -> list[WaitingJob]:
    """Every waiting job."""
    global _known
    seen: list[_Seen] = list(_rows().values_list(*CHANGING))
    known = _known
    missing = [one for one in seen if one not in known]
    if missing:
        known = known | _in_full(missing)
    # What waits no longer is forgotten; a job that was claimed between the two reads is left out.
    _known = {one: known[one] for one in seen if one in known}
    return list(_known.values())


def _rows() -> JobQuerySet:
    return (
        Job.objects.waiting()
        .order_by()
        .annotate(key_text=Cast("pk", CharField()), queued_text=Cast("queued_at", CharField()))
    )


def _in_full(missing: list[_Seen]) -> dict[_Seen, WaitingJob]:
    rows = _rows()
    if len(missing) <= ONE_BY_ONE:
        rows = rows.filter(pk__in=[one[0] for one in missing])
    saved = {job.pk: job.left for job in Job.objects.waiting().filter(saved_steps__gt=0)}
    return {
        row[: len(CHANGING)]: _job(saved.get(row[len(CHANGING)], 1.0), *row[len(CHANGING) :])
        for row in rows.values_list(*CHANGING, *COLUMNS)
    }


def _job(
    left: float,
    key: Any,
    owner: int,
    priority: int,
    queued: datetime,
    rank: float,
    work: str,
    family: str,
    side: int,
    model: str,
    shape: str,
    batch_key: str,
    pinned: int | None,
) -> WaitingJob:
    moment = queued.timestamp()
    model = model if family else ""
    return WaitingJob(
        key,
        owner,
        priority,
        moment,
        rank,
        work,
        family,
        side,
        model,
        shape,
        batch_key,
        left,
        pinned,
    )
