"""Which device does what: the queue played forward over the devices. Plain data in and out.

Jobs are taken in the policy's order, and each goes where it is finished soonest: a free device, a
faster one that is free in a moment, or one that has the model loaded. So large work finds large
cards, and a load is saved where that pays. The claim asks this for the first job of one device,
the forecast for all jobs of all devices.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import cast

from generation.scheduling.policy import Level, Line, WaitingJob
from generation.states import Priority

LOOK_AHEAD = 8
"""How many jobs are looked at for one whose model is loaded already."""
BYPASS_SECONDS = 300.0
"""A job may be passed, for a load that this saves, only by jobs of its own level that were
submitted at most so long after it. They are a fixed few, so it waits for a bounded time."""
NEVER = float("inf")


@dataclass(slots=True, eq=False)
class Lane:
    """One device in the simulation.

    `free_at` is a moment in seconds, None when nobody can tell; `models` are loaded by then.
    `takes` says whether the device may run a job, `seconds` how long it would, loading aside, and
    `loading` how long its model takes to load; None for what is not known. Answers may depend on a
    job's work, family, side, model, shape and pin only.
    """

    name: str
    free_at: float | None
    takes: Callable[[WaitingJob], bool]
    seconds: Callable[[WaitingJob], float | None]
    loading: Callable[[WaitingJob], float | None]
    models: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Assigned:
    """One job and where it goes; `start` and `finish` are None when they cannot be told.

    `lane` is None when no device that is here takes the job, or none whose end of work is known;
    `able` is how many take it. `load` are the seconds of loading before it.
    """

    job: WaitingJob
    level: Level
    lane: Lane | None
    able: int
    start: float | None = None
    load: float = 0.0
    finish: float | None = None


@dataclass(slots=True, eq=False)
class _Option:
    """A lane that takes jobs of some likeness, with what they take there."""

    lane: Lane
    seconds: float | None
    loading: float


class _Options(list[_Option]):
    """Every lane that takes some likeness; `dated` when its run time is known on all of them."""

    def __init__(self, options: Iterable[_Option]) -> None:
        super().__init__(options)
        self.dated = all(option.seconds is not None for option in self)


def assign(line: Line, lanes: list[Lane], now: float) -> Iterator[Assigned]:
    """Give out the whole line, job by job; the lanes' `free_at` and `models` change as they fill.

    A lane whose job has no known run time has no known end either and gets nothing more.
    """
    board = _Board(lanes, now)
    ahead: deque[tuple[WaitingJob, Level]] = deque()
    while True:
        while len(ahead) < LOOK_AHEAD and (popped := line.pop(board.clock())) is not None:
            ahead.append(popped)
        if not ahead:
            return
        index, option = board.choose(ahead)
        job, here = ahead[index]
        del ahead[index]
        yield board.give(job, here, option)


class _Board:
    """The lanes while they fill."""

    def __init__(self, lanes: list[Lane], now: float) -> None:
        self._lanes = lanes
        self._now = now
        self._options: dict[tuple[str, str, int, str, str, int | None], _Options] = {}

    def clock(self) -> float:
        """The first moment at which some lane is free."""
        known = [lane.free_at for lane in self._lanes if lane.free_at is not None]
        return max(self._now, min(known)) if known else self._now

    def choose(self, ahead: deque[tuple[WaitingJob, Level]]) -> tuple[int, _Option | None]:
        """Which of the jobs is next, and where; the first one but for a load that is saved."""
        first, level = ahead[0]
        option = self._soonest(first)
        if option is None or not self._load(option, first):
            return 0, option
        latest = first.queued + BYPASS_SECONDS
        for index, (job, here) in enumerate(ahead):
            if here == level and job.queued <= latest and job.model in option.lane.models:
                known = next((o for o in self._for(job) if o.lane is option.lane), None)
                if known is not None:
                    return index, known
        return 0, option

    def give(self, job: WaitingJob, level: Level, option: _Option | None) -> Assigned:
        """Let the job have its lane."""
        able = len(self._for(job))
        if option is None or option.lane.free_at is None:
            return Assigned(job, level, None, able)
        lane, load = option.lane, self._load(option, job)
        start = max(self._now, option.lane.free_at)
        finish = None if option.seconds is None else start + load + option.seconds * job.left
        lane.free_at = finish
        if job.model:
            lane.models.add(job.model)
        return Assigned(job, level, lane, able, start, load, finish)

    def _soonest(self, job: WaitingJob) -> _Option | None:
        """The lane that finishes the job first.

        Urgent work goes where it can start first, or a device that gave way for it could leave it
        to a faster one; so does work whose run time on some lane nobody knows.
        """
        options = self._for(job)
        if job.priority == Priority.URGENT or not options.dated:
            return self._first_free(options, job)
        best, best_at, model, now = None, NEVER, job.model, self._now
        for option in options:
            lane = option.lane
            free_at = lane.free_at
            if free_at is None:
                continue
            # Written out, because this runs for every job and lane.
            at = (free_at if free_at > now else now) + cast(float, option.seconds) * job.left
            if model not in lane.models:
                at += option.loading
            if at < best_at:
                best, best_at = option, at
        return best

    def _first_free(self, options: _Options, job: WaitingJob) -> _Option | None:
        """The lane that is free first; of several, the one that is done with the job first."""
        best, best_at = None, (NEVER, NEVER)
        for option in options:
            free_at = option.lane.free_at
            if free_at is None:
                continue
            start = max(self._now, free_at)
            at = (start, self._load(option, job) + (option.seconds or 0.0) * job.left)
            if at < best_at:
                best, best_at = option, at
        return best

    def _load(self, option: _Option, job: WaitingJob) -> float:
        return 0.0 if job.model in option.lane.models else option.loading

    def _for(self, job: WaitingJob) -> _Options:
        like = (job.work, job.family, job.longest_side, job.model, job.shape, job.pinned)
        found = self._options.get(like)
        if found is None:
            found = self._options[like] = _Options(
                _Option(lane, lane.seconds(job), (lane.loading(job) or 0.0) if job.model else 0.0)
                for lane in self._lanes
                if lane.takes(job)
            )
        return found
