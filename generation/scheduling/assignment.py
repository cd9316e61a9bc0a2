"""Assigns waiting jobs to devices by simulating the queue. Plain data in, plain data out.

Jobs are taken in the policy's order, and each is assigned to the device that finishes it first: a
free device, a faster device that is free soon, or a device that has the model loaded. So large
jobs go to fast devices, and a model load is avoided where that pays. The claim uses this for the
first job of one device, the forecast for all jobs of all devices.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import cast

from generation.scheduling.policy import Level, WaitingJob, WaitingLine
from generation.states import Priority, Work

LOOK_AHEAD = 8
"""How many jobs are searched for one whose model is loaded already."""
BYPASS_SECONDS = 300.0
"""To avoid a model load, a job may be overtaken only by jobs of its own level that began to wait at
most this long after it. There is a limited number of them, so its extra wait is bounded."""
ONE_LOAD = 1.0
"""The load time that a single device uses. Any value above 0 makes it avoid loads, whatever they
cost, because no other device could do the job sooner."""
EVERY_WORK = frozenset(work.value for work in Work)
NEVER = float("inf")


@dataclass(slots=True, eq=False)
class Lane:
    """One device in the simulation.

    `free_at` is a time in seconds, None if unknown; `models` are the models loaded by then.
    `takes` returns whether the device may run a job, `seconds` its run time without loading, and
    `loading` the load time of its model; the last two return None if unknown. The results may
    depend only on a job's work, family, longest side, model, shape and pin. `works` are the kinds
    of work that the device is set up for.
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
    """One job and the lane it is assigned to; `start` and `finish` are None if unknown.

    `lane` is None if no lane takes the job, or it is unknown when those lanes are free. `able` is
    the number of lanes that take it. `load` is the load time before it, in seconds.
    """

    job: WaitingJob
    level: Level
    lane: Lane | None
    able: int
    start: float | None = None
    load: float = 0.0
    finish: float | None = None


_Option = tuple[int, float | None, float]
"""The index of a lane, with the run time and load time of similar jobs there, in seconds."""


class _Options(list[_Option]):
    """All lanes that take similar jobs; `timed` is True if all run times are known."""

    def __init__(self, options: Iterable[_Option]) -> None:
        super().__init__(options)
        self.timed = all(seconds is not None for _, seconds, _ in self)


def assign(line: WaitingLine, lanes: list[Lane], now: float) -> Iterator[Assigned]:
    """Assign all jobs of the line one by one; this changes the lanes' `free_at` and `models`.

    A lane whose job has an unknown run time is free at an unknown time, and gets no more jobs.
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
    """The lane of the only device for such work.

    It serves jobs in the policy's order, except that a job whose model is loaded may come first,
    within BYPASS_SECONDS.
    """
    return Lane(name, None, lambda _: True, lambda _: 0.0, lambda _: ONE_LOAD, set(models))


def first_for(
    lane: Lane, others: Iterable[Lane], line: WaitingLine, now: float
) -> tuple[list[WaitingJob], Assigned | None]:
    """Return the jobs assigned before the first of a free lane, and that first assignment."""
    lane.free_at = now
    before: list[WaitingJob] = []
    for assigned in assign(line, [lane, *others], now):
        if assigned.lane is lane:
            return before, assigned
        before.append(assigned.job)
    return before, None


class _Board:
    """Assigns jobs to lanes. Written for speed, because it may assign ten thousand jobs."""

    def __init__(self, lanes: list[Lane], now: float) -> None:
        self._lanes = lanes
        self._now = now
        # When each lane is free, now at the earliest; NEVER if unknown.
        self._free = [
            NEVER if lane.free_at is None else max(now, lane.free_at) for lane in self._lanes
        ]
        self._models = [lane.models for lane in lanes]
        self._options: dict[tuple[str, str, int, str, str, int | None], _Options] = {}

    def clock(self) -> float:
        """The earliest time at which a lane is free."""
        first = min(self._free, default=NEVER)
        return self._now if first == NEVER else first

    def give_one(self, ahead: deque[tuple[WaitingJob, Level]]) -> Assigned:
        """Assign the first job, or another one if that avoids a model load."""
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
        """Find a job whose model is loaded on the first job's lane; else return the first job."""
        first, level = ahead[0]
        number, latest = option[0], first.queued + BYPASS_SECONDS
        loaded = self._models[number]
        for index, (job, here) in enumerate(ahead):
            if here == level and job.queued <= latest and job.model in loaded:
                known = next((other for other in self._for(job) if other[0] == number), None)
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

        An urgent job goes to the lane that can start it first; otherwise a device that yielded to
        it could leave it to a faster one. So does a job whose run time on some lane is unknown.
        """
        if job.priority == Priority.URGENT or not options.timed:
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
        """The lane that is free first; of several, the one that finishes the job first."""
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
