"""Discrete-event simulation of a queue.

When a job arrives or a device becomes free, a serving rule decides the next job of each free device
and which running jobs are preempted. So rules can be compared on the same jobs, and forecasts with
the simulated outcome. There is no I/O.
"""

from __future__ import annotations

import heapq
import math
from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Protocol

from generation.models.device_time import faded
from generation.scheduling.assignment import Lane
from generation.scheduling.policy import WaitingJob


@dataclass(frozen=True, slots=True)
class Arrival:
    """A job that arrives at `job.queued`.

    `factor` is its actual run time over the expected one. A job can be interrupted after each of
    its `steps` and resumed there. A job with 0 steps can be interrupted at any time and starts
    again.
    """

    job: WaitingJob
    steps: int = 0
    factor: float = 1.0


@dataclass(slots=True)
class Served:
    """The outcome of a job. `waited` is the seconds in which it was not on a device."""

    job: WaitingJob
    start: float = 0.0
    finish: float = 0.0
    waited: float = 0.0
    lane: str = ""
    preemptions: int = 0


@dataclass(slots=True, eq=False)
class SimulatedRun:
    """A job on a device: `load` seconds for loading, then `seconds` for the rest of the job.

    `before` is the share of the job that earlier runs completed. If `interrupted`, `end` is the
    time at which the run stops.
    """

    job: WaitingJob
    lane: Lane
    start: float
    load: float
    seconds: float
    before: float
    end: float
    interrupted: bool = False

    def done(self, now: float) -> float:
        """The share of the whole job that is completed at `now`."""
        worked = min(max(0.0, now - self.start - self.load), self.seconds)
        return self.before + (1.0 - self.before) * (worked / self.seconds if self.seconds else 1.0)


Likeness = tuple[int, int, str, str, int, int | None]
"""Owner, priority, work, family, longest side and pin."""
Entry = tuple[float, int, WaitingJob]
"""Rank, order of arrival and job of an entry in a line."""


def likeness(job: WaitingJob) -> Likeness:
    """The key of a job's line: owner, priority and all that decides which devices take it."""
    return (job.owner, job.priority, job.work, job.family, job.longest_side, job.pinned)


class ServingRule(Protocol):
    """Decides which device takes which job."""

    def next(self, lane: Lane, site: Site) -> WaitingJob | None:
        """The next job of a free device; None if it takes none."""

    def victims(self, site: Site) -> list[str]:
        """Names of the devices whose runs are preempted now."""


@dataclass(slots=True)
class Site:
    """The state of the queue and the devices at `now`.

    `waiting` is in order of arrival. `lines` has the jobs of each `likeness` by rank. `had` has the
    device time of each owner in seconds, and the time at which it was counted. A lane's `free_at`
    is the actual end of its run, because the estimate of a running job is corrected by its pace.
    """

    lanes: list[Lane]
    now: float = 0.0
    waiting: dict[Any, WaitingJob] = field(default_factory=dict)
    lines: dict[Likeness, list[Entry]] = field(default_factory=dict)
    running: dict[str, SimulatedRun] = field(default_factory=dict)
    preemptions: dict[Any, int] = field(default_factory=dict)
    had: dict[int, tuple[float, float]] = field(default_factory=dict)
    _order: count[int] = field(default_factory=count)

    def enter(self, job: WaitingJob) -> None:
        """Add a waiting job."""
        self.waiting[job.key] = job
        line = self.lines.setdefault(likeness(job), [])
        insort(line, (job.rank, next(self._order), job))

    def leave(self, job: WaitingJob) -> None:
        """Remove a waiting job."""
        del self.waiting[job.key]
        line = self.lines[likeness(job)]
        line[:] = [entry for entry in line if entry[2] is not job]
        if not line:
            del self.lines[likeness(job)]

    def device_time(self) -> dict[int, float]:
        """Decayed device time of each owner in seconds, including the present runs."""
        had = {
            owner: faded(seconds, self.now - as_of) for owner, (seconds, as_of) in self.had.items()
        }
        for run in self.running.values():
            had[run.job.owner] = had.get(run.job.owner, 0.0) + self.now - run.start
        return had

    def count_time(self, run: SimulatedRun) -> None:
        """Add a run that ends now to its owner's device time."""
        seconds, as_of = self.had.get(run.job.owner, (0.0, self.now))
        had = faded(seconds, self.now - as_of)
        self.had[run.job.owner] = (had + self.now - run.start, self.now)


def replay(
    arrivals: Iterable[Arrival], lanes: list[Lane], rule: ServingRule, now: float = 0.0
) -> list[Served]:
    """Simulate until all jobs have ended; return them in the order of their ends.

    Lanes whose `free_at` is after `now` are busy until then. The lanes are modified. Raises
    RuntimeError if the rule never takes a job.
    """
    return _Replay(arrivals, lanes, rule, now).run()


class _Replay:
    """The state of one simulation."""

    def __init__(
        self, arrivals: Iterable[Arrival], lanes: list[Lane], rule: ServingRule, now: float
    ) -> None:
        self._arrivals = {arrival.job.key: arrival for arrival in arrivals}
        self._rule = rule
        self._site = Site(lanes, now)
        self._served = {key: Served(arrival.job) for key, arrival in self._arrivals.items()}
        self._ended: list[Served] = []
        self._since: dict[Any, float] = {}
        self._order = count()
        # Heap of events: the time, a tie-breaker, and the arriving job, the ending run or None.
        self._due: list[tuple[float, int, WaitingJob | SimulatedRun | None]] = []
        for arrival in self._arrivals.values():
            self._at(max(now, arrival.job.queued), arrival.job)
        for lane in lanes:
            if lane.free_at is not None and lane.free_at > now:
                self._at(lane.free_at, None)

    def run(self) -> list[Served]:
        while self._due:
            self._site.now = self._due[0][0]
            while self._due and self._due[0][0] <= self._site.now:
                self._happen(heapq.heappop(self._due)[2])
            self._take()
            for name in self._rule.victims(self._site):
                self._interrupt(self._site.running[name])
        if self._site.waiting:
            raise RuntimeError(f"{len(self._site.waiting)} jobs were left waiting for ever")
        return self._ended

    def _at(self, moment: float, what: WaitingJob | SimulatedRun | None) -> None:
        heapq.heappush(self._due, (moment, next(self._order), what))

    def _happen(self, what: WaitingJob | SimulatedRun | None) -> None:
        if isinstance(what, WaitingJob):
            self._enter(what)
        elif what is not None and self._is_over(what):
            self._end(what)

    def _is_over(self, run: SimulatedRun) -> bool:
        """An interrupted run has two events in the heap, and ends at the first."""
        return self._site.running.get(run.lane.name) is run and self._site.now >= run.end

    def _enter(self, job: WaitingJob) -> None:
        self._since[job.key] = max(job.queued, self._site.now)
        self._site.enter(job)

    def _take(self) -> None:
        """Ask the rule for all free devices, until none of them takes a job."""
        taken = True
        while taken and self._site.waiting:
            taken = False
            for lane in self._site.lanes:
                if lane.free_at is not None and lane.free_at <= self._site.now:
                    job = self._rule.next(lane, self._site)
                    if job is not None:
                        self._start(job, lane)
                        taken = True

    def _start(self, job: WaitingJob, lane: Lane) -> None:
        now, served, arrival = self._site.now, self._served[job.key], self._arrivals[job.key]
        self._site.leave(job)
        served.waited += now - self._since[job.key]
        served.start = served.start if served.lane else now
        served.lane = lane.name
        before = 1.0 - job.left
        load = 0.0 if not job.model or job.model in lane.models else lane.loading(job) or 0.0
        seconds = (lane.seconds(job) or 0.0) * arrival.factor * job.left
        run = SimulatedRun(job, lane, now, load, seconds, before, now + load + seconds)
        if job.model:
            lane.models.add(job.model)
        lane.free_at = run.end
        self._site.running[lane.name] = run
        self._at(run.end, run)

    def _interrupt(self, run: SimulatedRun) -> None:
        """Stop a run after its present step, or before the first one if it is loading."""
        if run.interrupted:
            return
        now, steps = self._site.now, self._arrivals[run.job.key].steps
        stop = max(now, run.start + run.load)
        if steps:
            begun = math.ceil(round(run.done(stop) * steps, 6)) / steps
            stop = run.start + run.load + run.seconds * (begun - run.before) / (1.0 - run.before)
        if stop < run.end:
            run.interrupted, run.end, run.lane.free_at = True, stop, stop
            self._at(stop, run)

    def _end(self, run: SimulatedRun) -> None:
        site, served = self._site, self._served[run.job.key]
        site.count_time(run)
        del site.running[run.lane.name]
        run.lane.free_at = site.now
        if run.interrupted:
            saved = self._arrivals[run.job.key].steps
            served.preemptions += 1
            site.preemptions[run.job.key] = served.preemptions
            self._enter(replace(run.job, left=1.0 - run.done(site.now)) if saved else run.job)
        else:
            served.finish = site.now
            self._ended.append(served)
