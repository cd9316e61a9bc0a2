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

from generation.scheduling.policy import Level, WaitingJob, WaitingLine
from generation.states import Priority, Work

LOOK_AHEAD = 8
"""How many jobs are looked at for one whose model is loaded already."""
BYPASS_SECONDS = 300.0
"""A job may be passed, for a load that this saves, only by jobs of its own level that were
submitted at most so long after it. They are a fixed few, so it waits for a bounded time."""
ONE_LOAD = 1.0
"""On the only device a load is avoided whatever it costs: no other device can do it sooner."""
EVERY_WORK = frozenset(work.value for work in Work)
NEVER = float("inf")


@dataclass(slots=True, eq=False)
class Lane:
    """One device in the simulation.

    `free_at` is a moment in seconds, None when nobody can tell; `models` are loaded by then.
    `takes` says whether the device may run a job, `seconds` how long it would, loading aside, and
    `loading` how long its model takes to load; None for what is not known. Answers may depend on a
    job's work, family, side, model, shape and pin only. `works` are the kinds of work that the
    device is set up for.
    """

    name: str
    free_at: float | None
    takes: Callable[[WaitingJob], bool]
    seconds: Callable[[WaitingJob], float | None]
    loading: Callable[[WaitingJob], float | None]
    models: set[str] = field(default_factory=set)
    works: frozenset[str] = EVERY_WORK


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


_Option = tuple[int, float | None, float]
"""A lane by its number, with the seconds and the seconds of loading of jobs of some likeness."""


class _Options(list[_Option]):
    """Every lane that takes some likeness; `dated` when its run time is known on all of them."""

    def __init__(self, options: Iterable[_Option]) -> None:
        super().__init__(options)
        self.dated = all(seconds is not None for _, seconds, _ in self)


def assign(line: WaitingLine, lanes: list[Lane], now: float) -> Iterator[Assigned]:
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
        yield board.give_one(ahead)


def only_lane(name: str, models: Iterable[str]) -> Lane:
    """The lane of a device beside which no other does such work.

    It serves in the policy's order, but a job whose model is loaded may come first, within
    BYPASS_SECONDS.
    """
    return Lane(name, None, lambda _: True, lambda _: 0.0, lambda _: ONE_LOAD, set(models))


def first_for(
    lane: Lane, others: Iterable[Lane], line: WaitingLine, now: float
) -> tuple[list[WaitingJob], Assigned | None]:
    """The jobs that are given out before a lane that is free now has its first, and that first."""
    lane.free_at = now
    before: list[WaitingJob] = []
    for one in assign(line, [lane, *others], now):
        if one.lane is lane:
            return before, one
        before.append(one.job)
    return before, None


class _Board:
    """The lanes while they fill. Written for speed: it gives out ten thousand jobs at a time."""

    def __init__(self, lanes: list[Lane], now: float) -> None:
        self._lanes = lanes
        self._now = now
        # When each lane is free, at the earliest now; NEVER where nobody can tell.
        self._free = [
            NEVER if lane.free_at is None else max(now, lane.free_at) for lane in self._lanes
        ]
        self._models = [lane.models for lane in lanes]
        self._options: dict[tuple[str, str, int, str, str, int | None], _Options] = {}

    def clock(self) -> float:
        """The first moment at which some lane is free."""
        first = min(self._free, default=NEVER)
        return self._now if first == NEVER else first

    def give_one(self, ahead: deque[tuple[WaitingJob, Level]]) -> Assigned:
        """Let one of the jobs have its lane: the first one, but for a load that is saved."""
        job, level = ahead[0]
        options = self._for(job)
        option = self._soonest(job, options)
        if option is None:
            ahead.popleft()
            return Assigned(job, level, None, len(options))
        if self._load(option, job):
            index, option = self._bypass(ahead, option)
            job, level = ahead[index]
            options = self._for(job)
            del ahead[index]
        else:
            ahead.popleft()
        return self._give(job, level, option, len(options))

    def _bypass(
        self, ahead: deque[tuple[WaitingJob, Level]], option: _Option
    ) -> tuple[int, _Option]:
        """The job whose model the first one's lane has loaded already; else the first itself."""
        first, level = ahead[0]
        number, latest = option[0], first.queued + BYPASS_SECONDS
        loaded = self._models[number]
        for index, (job, here) in enumerate(ahead):
            if here == level and job.queued <= latest and job.model in loaded:
                known = next((one for one in self._for(job) if one[0] == number), None)
                if known is not None:
                    return index, known
        return 0, option

    def _give(self, job: WaitingJob, level: Level, option: _Option, able: int) -> Assigned:
        number, seconds, load = option
        lane, start, model = self._lanes[number], self._free[number], job.model
        if model in lane.models:
            load = 0.0
        elif model:
            lane.models.add(model)
        finish = None if seconds is None else start + load + seconds * job.left
        lane.free_at = finish
        self._free[number] = NEVER if finish is None else finish
        return Assigned(job, level, lane, able, start, load, finish)

    def _soonest(self, job: WaitingJob, options: _Options) -> _Option | None:
        """The lane that finishes the job first.

        Urgent work goes where it can start first, or a device that gave way for it could leave it
        to a faster one; so does work whose run time on some lane nobody knows.
        """
        if job.priority == Priority.URGENT or not options.dated:
            return self._first_free(options, job)
        best, best_at = None, NEVER
        free, models, model, left = self._free, self._models, job.model, job.left
        for option in options:
            number, seconds, loading = option
            at = free[number] + cast(float, seconds) * left
            if at < best_at:
                if model not in models[number]:
                    at += loading
                    if at >= best_at:
                        continue
                best, best_at = option, at
        return best

    def _first_free(self, options: _Options, job: WaitingJob) -> _Option | None:
        """The lane that is free first; of several, the one that is done with the job first."""
        best, best_at = None, (NEVER, NEVER)
        for option in options:
            number, seconds, _ = option
            start = self._free[number]
            if start == NEVER:
                continue
            at = (start, self._load(option, job) + (seconds or 0.0) * job.left)
            if at < best_at:
                best, best_at = option, at
        return best

    def _load(self, option: _Option, job: WaitingJob) -> float:
        number, _, loading = option
        return 0.0 if job.model in self._models[number] else loading

    def _for(self, job: WaitingJob) -> _Options:
        like = (job.work, job.family, job.longest_side, job.model, job.shape, job.pinned)
        found = self._options.get(like)
        if found is None:
            found = self._options[like] = _Options(
                (number, lane.seconds(job), (lane.loading(job) or 0.0) if job.model else 0.0)
                for number, lane in enumerate(self._lanes)
                if lane.takes(job)
            )
        return found
