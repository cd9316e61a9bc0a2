"""The policy: in which order waiting work is served. Plain data in, plain data out.

Levels first: urgent, overdue, high, normal, low. A job rises one level for every period of ageing
that it has waited, never into urgent; above high it is overdue, and overdue work is served in the
order in which it was submitted. Within every other level people take turns: whoever had least
device time lately is next, and one person's jobs go by their rank, which is the order of submit
unless that person changed it.

So low work starts at the latest when it has waited three periods and what was overdue before it
is done, as long as urgent work alone does not fill the devices.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from generation.states import Priority


class Level(IntEnum):
    """What counts instead of the priority once waiting has been looked at; lower is sooner."""

    URGENT = 0
    OVERDUE = 1
    HIGH = 2
    NORMAL = 3
    LOW = 4


LEVELS = tuple(Level)
EVERYBODY = -1
"""Whose line it is where nobody takes turns."""


@dataclass(frozen=True, slots=True)
class WaitingJob:
    """A job that waits, as plain data. `key` says which it is, `shape` what run times it is like.

    `queued` is the moment since which it waits, `rank` its place among its owner's jobs, lower is
    sooner; by itself the moment of submit. Moments are seconds since any one moment. `left` is the
    share of its run time that a job still needs which goes on from a snapshot, `pinned` the number
    of the only device that may take it.
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


def level(priority: int, waited: float, ageing: float) -> Level:
    """The level of a job that has waited for so many seconds, with periods of `ageing` seconds."""
    if priority == Priority.URGENT:
        return Level.URGENT
    risen = priority + 1 - int(max(0.0, waited) / ageing)
    return LEVELS[risen if risen > 1 else 1]


def alike(_: WaitingJob) -> float:
    """What a job costs its owner where run times do not count."""
    return 1.0


@dataclass(slots=True)
class _Climb:
    """The jobs of one priority on their way to a level; `waiting` has (queued, index), last first.

    They reach it `delay` seconds after they were submitted.
    """

    target: Level
    delay: float
    waiting: list[tuple[float, int]]


class WaitingLine:
    """Waiting jobs, handed out one by one in the policy's order while time goes on.

    `device_time` are the seconds that each owner had lately; who is missing had none. `cost` says
    what a job that is handed out adds to its owner's, in seconds.
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
            level(job.priority, now - job.queued, ageing) for job in self._jobs
        ]
        # For each level and owner (place, index), the first one last; for each level a heap of
        # owners.
        self._queues: list[dict[int, list[tuple[float, int]]]] = [{} for _ in Level]
        self._owners: list[list[tuple[float, float, int]]] = [[] for _ in Level]
        self._climbs = self._all_climbs(ageing)
        self._next_rise = now
        for target in LEVELS:
            self._enter([n for n, here in enumerate(self._levels) if here == target], target)

    def pop(self, now: float) -> tuple[WaitingJob, Level] | None:
        """The next job and its level; None when nothing waits. `now` never goes back."""
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
        """Let jobs stand in a level, many at once."""
        jobs, queues = self._jobs, self._queues[here]
        entering: dict[int, list[tuple[float, int]]] = {}
        if here == Level.OVERDUE:
            # Nobody takes turns here: one line for all, by the moment of submit.
            entering[EVERYBODY] = [(jobs[index].queued, index) for index in indices]
        else:
            for index in indices:
                job = jobs[index]
                entering.setdefault(job.owner, []).append((job.rank, index))
        for owner, some in entering.items():
            if not some:
                continue
            queue = queues.setdefault(owner, [])
            first = queue[-1] if queue else None
            queue += some
            # They come nearly in their order, so this is quick.
            queue.sort(reverse=True)
            if queue[-1] != first:
                heapq.heappush(self._owners[here], (self._had.get(owner, 0.0), queue[-1][0], owner))

    def _first(self, here: Level) -> int | None:
        """Take the first job of a level. Entries of the heap of owners may be out of date."""
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
            # The entry stays, out of date by now: it is put right when it is first again.
            return queue.pop()[1]
        return None

    def _all_climbs(self, ageing: float) -> list[_Climb]:
        """Every rise that any job can still make, by priority and number of periods."""
        climbs: list[_Climb] = []
        for priority in (Priority.HIGH, Priority.NORMAL, Priority.LOW):
            places = (n for n, job in enumerate(self._jobs) if job.priority == priority)
            waiting = sorted(((self._jobs[n].queued, n) for n in places), reverse=True)
            # The farthest first: what has risen twice in the meantime enters its last level only.
            climbs += [
                _Climb(LEVELS[priority + 1 - periods], periods * ageing, waiting[:])
                for periods in range(priority, 0, -1)
            ]
        return climbs

    def _rise(self, now: float) -> None:
        """Let every job enter the level that it has reached by now."""
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
            (one.waiting[-1][0] + one.delay for one in self._climbs if one.waiting),
            default=float("inf"),
        )
