"""The heads of the queue: the first jobs of every person, priority and kind of work.

One look into an index for each of them, so that a claim takes as long with a hundred thousand
waiting jobs as with ten. Written in SQL, because for this the ORM would ask a query a head, and
make an object of every row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection

from generation.models import Device, Job
from generation.scheduling import placement
from generation.scheduling.policy import Level, WaitingJob, level
from generation.scheduling.queue_state import seconds
from generation.scheduling.waiting_jobs import waiting_job

GROUPS = """
SELECT had.owner_id, levels.priority, works.work, (
    SELECT job.queued_at FROM generation_job AS job
    WHERE job.status = 'queued' AND job.held_at IS NULL AND job.owner_id = had.owner_id
    AND job.priority = levels.priority AND job.work = works.work ORDER BY job.rank, job.id LIMIT 1
)
FROM generation_devicetime AS had
CROSS JOIN (SELECT 0 AS priority UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) AS levels
CROSS JOIN ({works}) AS works
"""
FIRST = """
SELECT * FROM (
    SELECT job.saved_steps, job.id, job.owner_id, job.priority, job.queued_at, job.rank, job.work,
        job.family, job.longest_side, model.slug, job.shape, job.batch_key, job.pinned_to_id
    FROM generation_job AS job JOIN generation_modelcard AS model ON model.id = job.model_id
    WHERE job.status = 'queued' AND job.held_at IS NULL AND job.owner_id = %s
    AND job.priority = %s AND job.work = %s AND {taken} ORDER BY job.rank, job.id LIMIT {depth}
) AS head
"""
BESIDE_WORK = [one for one in placement.CONDITIONS if one is not placement.WORK]
"""Each statement asks for one of the device's works."""
AT_ONCE = 200
"""Heads in one statement; SQLite takes five hundred."""

_Key = tuple[int, int, str]
"""Owner, priority and work."""


@dataclass(frozen=True, slots=True)
class CandidateGroup:
    """One person's jobs of one priority and work, and the level of the first of them."""

    key: _Key
    level: Level


class Candidates:
    """What was read of the queue: of some heads the first few jobs, those of the first levels."""

    def __init__(self, device: Device, heads: list[CandidateGroup], seen: int) -> None:
        """Read about `seen` jobs that the device takes, evenly from the heads."""
        some = _of_the_first_levels(heads, seen)
        depth = max(2, seen // len(some))
        self.jobs = first(device, [head.key for head in some], depth)
        self._read = Counter(_key(job) for job in self.jobs)
        self._going_on = {key for key, count in self._read.items() if count == depth}
        self._next_level = heads[len(some)].level if len(some) < len(heads) else None

    @property
    def is_whole(self) -> bool:
        """Whether nothing waits for the device beside what was read."""
        return self._next_level is None and not self._going_on

    def shows(self, level: Level, before: Iterable[WaitingJob]) -> bool:
        """Whether no job that was not read comes before one of this level, with these before it."""
        if self._next_level is not None and level >= self._next_level:
            return False
        handed_out = Counter(_key(job) for job in before)
        return all(handed_out[key] < self._read[key] for key in self._going_on)


def waiting(device: Device, now: float, ageing: float) -> list[CandidateGroup]:
    """Of whom, and of which priority and work, jobs wait that the device may take, by level.

    `now` is the moment and `ageing` the length of a period, in seconds.
    """
    if not device.works:
        return []
    works = " UNION ALL ".join(["SELECT %s AS work"] * len(device.works))
    with connection.cursor() as cursor:
        cursor.execute(GROUPS.format(works=works), device.works)
        found = [
            CandidateGroup((owner, priority, work), level(priority, now - seconds(queued), ageing))
            for owner, priority, work, queued in cursor.fetchall()
            if queued is not None
        ]
    return sorted(found, key=lambda head: head.level)


def first(device: Device, keys: list[_Key], depth: int) -> list[WaitingJob]:
    """Of each head the first `depth` jobs that the device takes."""
    taken, values = placement.taken_sql(device, BESIDE_WORK)
    one = FIRST.format(taken=taken, depth=depth)
    found: list[WaitingJob] = []
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        with connection.cursor() as cursor:
            cursor.execute(
                " UNION ALL ".join([one] * len(some)),
                [value for key in some for value in (*key, *values)],
            )
            found += [_job(*row) for row in cursor.fetchall()]
    return found


def _of_the_first_levels(heads: list[CandidateGroup], seen: int) -> list[CandidateGroup]:
    """All heads of the first level, and of those behind it as long as two of each can be seen."""
    count = 0
    for number, head in enumerate(heads, start=1):
        if number == len(heads) or heads[number].level != head.level:
            if count and number * 2 > seen:
                break
            count = number
    return heads[:count]


def _key(job: WaitingJob) -> _Key:
    return job.owner, job.priority, job.work


def _job(saved_steps: int, key: Any, *columns: Any) -> WaitingJob:
    resumed = Job.objects.filter(pk=key).first() if saved_steps else None
    return waiting_job(key, *columns, left=resumed.left if resumed else 1.0)
