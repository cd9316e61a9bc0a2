"""The policy: the order in which waiting work is served. Plain data in, plain data out.

Jobs are ordered by level: urgent, overdue, high, normal, low, calibration. A job rises one level
for every ageing period that it has waited, but never to urgent. Above high it is overdue, and
overdue jobs are served in the order in which they were submitted. Within every other level, owners
take turns: the owner with the least recent device time is next. The jobs of one owner are ordered
by their rank, which is the order of submission unless the owner changed it. A calibration that an
idle device gave itself never rises: it is served after all other work.

Therefore a low job starts at the latest when it has waited three periods and the jobs that were
overdue before it are done, unless urgent work alone fills the devices.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from generation.states import Priority


class Level(IntEnum):
    """The priority of a job after ageing; a lower level is served sooner."""

    URGENT = 0
    OVERDUE = 1
    HIGH = 2
    NORMAL = 3
    LOW = 4
    CALIBRATION = 5


LEVELS = tuple(Level)
EVERYBODY = -1
"""The owner of the common queue of overdue jobs, where owners do not take turns."""


@dataclass(frozen=True, slots=True)
class WaitingJob:
    """A waiting job as plain data. `key` identifies it; `shape` says which run times apply to it.

    `queued` is the time at which it began to wait. `rank` orders the jobs of one owner, lower is
    sooner; it is the time of submission unless the owner changed it. Times are seconds since any
    fixed moment. `left` is the fraction of the run time that is left, below 1 for a job that
    resumes. `pinned` is the primary key of the only device that may take the job.
    """

    key: Any
    owner: int
    priority: int
    queued: float
    rank: float
    work: str = "image"
    family: str = ""
    longest_side: int = 0
    model: str = ""
    shape: str = ""
    batch_key: str = ""
    left: float = 1.0
    pinned: int | None = None


def is_own_calibration(priority: int, pinned: int | None) -> bool:
    """Whether it is a calibration that an idle device gave itself.

    A person's calibration is pinned to its device too, but at normal priority.
    """
    return pinned is not None and priority == Priority.LOW


def level(priority: int, waited: float, ageing: float) -> Level:
    """The level of a job after `waited` seconds; one ageing period is `ageing` seconds."""
    if priority == Priority.URGENT:
        return Level.URGENT
    risen = priority + 1 - int(max(0.0, waited) / ageing)
    return LEVELS[risen if risen > 1 else 1]


def alike(_: WaitingJob) -> float:
    """The cost of a job to its owner when run times are not considered."""
    return 1.0


@dataclass(slots=True)
class _Climb:
    """The jobs of one priority that have not yet risen to the level `target`.

    They reach it `delay` seconds after they began to wait. `waiting` has (queued, index) in
    descending order.
    """

    target: Level
    delay: float
    waiting: list[tuple[float, int]]


class WaitingLine:
    """Returns waiting jobs one by one in the policy's order while time passes.

    `device_time` has the recent seconds of each owner; a missing owner has none. `cost` returns the
    seconds that a returned job adds to its owner's device time.
    """

    def __init__(
        self,
        jobs: Iterable[WaitingJob],
        device_time: Mapping[int, float],
        now: float,
        ageing: float,
        cost: Callable[[WaitingJob], float] = alike,
    ) -> None:
        self._cost = cost
        self._jobs = sorted(jobs, key=lambda job: job.rank)
        self._had = dict(device_time)
        self._levels: list[Level | None] = [
            Level.CALIBRATION
            if is_own_calibration(job.priority, job.pinned)
            else level(job.priority, now - job.queued, ageing)
            for job in self._jobs
        ]
        # For each level and owner: (rank or time, index) in descending order. For each level: a
        # heap of its owners.
        self._queues: list[dict[int, list[tuple[float, int]]]] = [{} for _ in Level]
        self._owners: list[list[tuple[float, float, int]]] = [[] for _ in Level]
        self._climbs = self._all_climbs(ageing)
        self._next_rise = now
        for target in LEVELS:
            self._enter([n for n, here in enumerate(self._levels) if here == target], target)

    def pop(self, now: float) -> tuple[WaitingJob, Level] | None:
        """Return the next job and its level; None if no job waits. `now` must not decrease."""
        if now >= self._next_rise:
            self._rise(now)
        for number, owners in enumerate(self._owners):
            index = self._first(LEVELS[number]) if owners else None
            if index is not None:
                job = self._jobs[index]
                self._levels[index] = None
                self._had[job.owner] = self._had.get(job.owner, 0.0) + self._cost(job)
                return job, LEVELS[number]
        return None

    def _enter(self, indices: list[int], here: Level) -> None:
        """Add jobs to a level, many at once."""
        jobs, queues = self._jobs, self._queues[here]
        entering: dict[int, list[tuple[float, int]]] = {}
        if here == Level.OVERDUE:
            # Owners do not take turns here: one queue for all, by the time of submission.
            entering[EVERYBODY] = [(jobs[index].queued, index) for index in indices]
        else:
            for index in indices:
                job = jobs[index]
                entering.setdefault(job.owner, []).append((job.rank, index))
        for owner, entries in entering.items():
            if not entries:
                continue
            queue = queues.setdefault(owner, [])
            first = queue[-1] if queue else None
            queue += entries
            # The list is nearly sorted already, so this is fast.
            queue.sort(reverse=True)
            if queue[-1] != first:
                heapq.heappush(self._owners[here], (self._had.get(owner, 0.0), queue[-1][0], owner))

    def _first(self, here: Level) -> int | None:
        """Remove and return the first job of a level. Entries in the heap may be stale."""
        owners, queues, levels = self._owners[here], self._queues[here], self._levels
        while owners:
            had, place, owner = owners[0]
            queue = queues[owner]
            while queue and levels[queue[-1][1]] != here:
                queue.pop()
            if not queue:
                heapq.heappop(owners)
                continue
            now_had = self._had.get(owner, 0.0)
            if had != now_had or place != queue[-1][0]:
                heapq.heapreplace(owners, (now_had, queue[-1][0], owner))
                continue
            # The heap entry is stale now; it is corrected when it is first again.
            return queue.pop()[1]
        return None

    def _all_climbs(self, ageing: float) -> list[_Climb]:
        """All rises that jobs can still make, by priority and number of periods."""
        climbs: list[_Climb] = []
        for priority in (Priority.HIGH, Priority.NORMAL, Priority.LOW):
            places = (
                n
                for n, job in enumerate(self._jobs)
                if job.priority == priority and self._levels[n] != Level.CALIBRATION
            )
            waiting = sorted(((self._jobs[n].queued, n) for n in places), reverse=True)
            # The largest rise first, so that a job that rose twice enters only its last level.
            climbs += [
                _Climb(LEVELS[priority + 1 - periods], periods * ageing, waiting[:])
                for periods in range(priority, 0, -1)
            ]
        return climbs

    def _rise(self, now: float) -> None:
        """Move every job to the level that it has reached by now."""
        levels = self._levels
        for climb in self._climbs:
            risen, target = [], climb.target
            while climb.waiting and climb.waiting[-1][0] + climb.delay <= now:
                index = climb.waiting.pop()[1]
                here = levels[index]
                if here is not None and here > target:
                    levels[index] = target
                    risen.append(index)
            if risen:
                self._enter(risen, target)
        self._next_rise = min(
            (climb.waiting[-1][0] + climb.delay for climb in self._climbs if climb.waiting),
            default=float("inf"),
        )
