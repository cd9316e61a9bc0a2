"""Claim candidates: the first jobs of each group, which is an owner, a priority and a kind of work.

Each group needs one index lookup, so a claim takes as long with a hundred thousand waiting jobs as
with ten. This is written in SQL, because the ORM would need one query for each group and would make
an object of every row.
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
) AS first_jobs
"""
BESIDE_WORK = [rule for rule in placement.CONDITIONS if rule is not placement.WORK]
"""All conditions except the kind of work, because each statement selects one kind of work."""
AT_ONCE = 200
"""The number of groups in one statement; SQLite allows five hundred."""

_Key = tuple[int, int, str]
"""Owner, priority and work."""


@dataclass(frozen=True, slots=True)
class CandidateGroup:
    """The jobs of one owner, priority and kind of work, and the level of the first of them."""

    key: _Key
    level: Level


class Candidates:
    """The jobs that were read of the queue: the first few of each group of the first levels."""

    def __init__(self, device: Device, groups: list[CandidateGroup], seen: int) -> None:
        """Read about `seen` jobs that the device takes, equally many of each group."""
        chosen = _of_the_first_levels(groups, seen)
        depth = max(2, seen // len(chosen))
        self.jobs = first(device, [group.key for group in chosen], depth)
        self._read = Counter(_key(job) for job in self.jobs)
        self._cut_off = {key for key, count in self._read.items() if count == depth}
        self._next_level = groups[len(chosen)].level if len(chosen) < len(groups) else None

    @property
    def is_whole(self) -> bool:
        """Whether all jobs that wait for the device were read."""
        return self._next_level is None and not self._cut_off

    def shows(self, level: Level, before: Iterable[WaitingJob]) -> bool:
        """Whether the result is certain: no unread job comes before one of this level.

        `before` are the jobs that come before that one.
        """
        if self._next_level is not None and level >= self._next_level:
            return False
        # A calibration is first in its group by rank, but comes after the rest of it.
        if level == Level.CALIBRATION and not self.is_whole:
            return False
        handed_out = Counter(_key(job) for job in before)
        return all(handed_out[key] < self._read[key] for key in self._cut_off)


def waiting(device: Device, now: float, ageing: float) -> list[CandidateGroup]:
    """The (owner, priority, work) groups that have waiting jobs for the device, by level.

    `now` is the time and `ageing` the length of an ageing period, in seconds.
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
    return sorted(found, key=lambda group: group.level)


def first(device: Device, keys: list[_Key], depth: int) -> list[WaitingJob]:
    """The first `depth` jobs of each group that the device takes."""
    taken, values = placement.taken_sql(device, BESIDE_WORK)
    statement = FIRST.format(taken=taken, depth=depth)
    found: list[WaitingJob] = []
    for start in range(0, len(keys), AT_ONCE):
        part = keys[start : start + AT_ONCE]
        with connection.cursor() as cursor:
            cursor.execute(
                " UNION ALL ".join([statement] * len(part)),
                [value for key in part for value in (*key, *values)],
            )
            found += [_job(*row) for row in cursor.fetchall()]
    return found


def _of_the_first_levels(groups: list[CandidateGroup], seen: int) -> list[CandidateGroup]:
    """All groups of the first level, and of the next levels while two jobs of each can be read."""
    count = 0
    for number, group in enumerate(groups, start=1):
        if number == len(groups) or groups[number].level != group.level:
            if count and number * 2 > seen:
                break
            count = number
    return groups[:count]


def _key(job: WaitingJob) -> _Key:
    return job.owner, job.priority, job.work


def _job(saved_steps: int, key: Any, *columns: Any) -> WaitingJob:
    resumed = Job.objects.filter(pk=key).first() if saved_steps else None
    return waiting_job(key, *columns, left=resumed.left if resumed else 1.0)
