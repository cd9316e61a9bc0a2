"""The heads of the queue: the first jobs of every person, priority and kind of work.

One look into an index for each of them, so that a claim takes as long with a hundred thousand
waiting jobs as with ten. Written in SQL, because for this the ORM would ask a query a head, and
make an object of every row.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from generation.models import Device, Job
from generation.scheduling.policy import WaitingJob
from generation.scheduling.present import seconds

Head = tuple[int, int, str]
"""Owner, priority and work of some jobs that wait."""

HEADS = """
SELECT had.owner_id, levels.priority, works.work
FROM generation_devicetime AS had
CROSS JOIN (SELECT 0 AS priority UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) AS levels
CROSS JOIN ({works}) AS works
WHERE EXISTS (
    SELECT 1 FROM generation_job AS job
    WHERE job.status = 'queued' AND job.held_at IS NULL AND job.owner_id = had.owner_id
    AND job.priority = levels.priority AND job.work = works.work
)
"""
FIRST = """
SELECT * FROM (
    SELECT job.id, job.owner_id, job.priority, job.queued_at, job.rank, job.work, job.family,
        job.longest_side, model.slug, job.shape, job.batch_key, job.saved_steps, job.pinned_to_id
    FROM generation_job AS job JOIN generation_modelcard AS model ON model.id = job.model_id
    WHERE job.status = 'queued' AND job.held_at IS NULL AND job.owner_id = %s
    AND job.priority = %s AND job.work = %s {taken} ORDER BY job.rank, job.id LIMIT {depth}
) AS head
"""
AT_ONCE = 200
"""Heads in one statement; SQLite takes five hundred."""


def waiting(device: Device) -> list[Head]:
    """Of whom, and of which priority and work, jobs wait that the device may take."""
    if not device.works:
        return []
    works = " UNION ALL ".join(["SELECT %s AS work"] * len(device.works))
    with connection.cursor() as cursor:
        cursor.execute(HEADS.format(works=works), device.works)
        return list(cursor.fetchall())


def first(device: Device, heads: list[Head], depth: int) -> list[WaitingJob]:
    """Of each head the first `depth` jobs that the device takes."""
    taken, values = _taken_by(device)
    one = FIRST.format(taken=taken, depth=depth)
    found: list[WaitingJob] = []
    for start in range(0, len(heads), AT_ONCE):
        some = heads[start : start + AT_ONCE]
        with connection.cursor() as cursor:
            cursor.execute(
                " UNION ALL ".join([one] * len(some)),
                [value for head in some for value in (*head, *values)],
            )
            found += [_job(*row) for row in cursor.fetchall()]
    return found


def _taken_by(device: Device) -> tuple[str, list[Any]]:
    """What the device takes, as `placement.claimable` has it."""
    taken = " AND (job.pinned_to_id IS NULL OR job.pinned_to_id = %s)"
    values: list[Any] = [device.pk]
    if device.families:
        marks = ", ".join(["%s"] * (len(device.families) + 1))
        taken += f" AND job.family IN ({marks})"
        values += ["", *device.families]
    if device.largest_size is not None:
        taken += " AND job.longest_side <= %s"
        values.append(device.largest_size)
    return taken, values


def _job(
    key: Any,
    owner: int,
    priority: int,
    queued: datetime | str,
    rank: float,
    work: str,
    family: str,
    side: int,
    model: str,
    shape: str,
    batch_key: str,
    saved_steps: int,
    pinned: int | None,
) -> WaitingJob:
    resumed = Job.objects.filter(pk=key).first() if saved_steps else None
    return WaitingJob(
        key,
        owner,
        priority,
        seconds(queued),
        rank,
        work,
        family,
        side,
        model if family else "",
        shape,
        batch_key,
        resumed.left if resumed else 1.0,
        pinned,
    )
