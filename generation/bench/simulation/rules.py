"""Serving rules for the simulation: that of the workers, and simple ones for comparison."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from generation.bench.simulation.replay import Entry, SimulatedRun, Site, likeness
from generation.scheduling.assignment import LOOK_AHEAD, Assigned, Lane, first_for, only_lane
from generation.scheduling.policy import WaitingJob, WaitingLine, alike
from generation.scheduling.preemption import Running, victims
from generation.states import Priority

DEEPER = 4
"""Factor by which more jobs of each line are read when the first ones do not decide."""


@dataclass(slots=True)
class Policy:
    """The rule of the workers: policy, assignment and preemption, as used by the claim."""

    ageing: float
    cost: Callable[[WaitingJob], float]

    def next(self, lane: Lane, site: Site) -> WaitingJob | None:
        """The first job that is assigned to this device."""
        taken = [line for line in site.lines.values() if lane.takes(line[0][2])]
        if not taken:
            return None
        works = lane.works & {line[0][2].work for line in site.lines.values()}
        others = [other for other in site.lanes if other is not lane and works & other.works]
        depth, longest = LOOK_AHEAD, max(len(line) for line in taken)
        while True:
            before, chosen = self._first_for(lane, others, taken, depth, site)
            if depth >= longest or (chosen is not None and _is_decided(before, taken, depth)):
                return chosen.job if chosen else None
            depth *= DEEPER

    def _first_for(
        self,
        lane: Lane,
        others: list[Lane],
        taken: list[list[Entry]],
        depth: int,
        site: Site,
    ) -> tuple[list[WaitingJob], Assigned | None]:
        """The assignment of this device by the first `depth` jobs of each line.

        Returns it with the jobs that were assigned before it.
        """
        candidates = [job for line in taken for _, _, job in line[:depth]]
        cost = self.cost if others else alike
        order = WaitingLine(candidates, site.device_time(), site.now, self.ageing, cost)
        # The assignment modifies the lanes, so it gets copies.
        own = (
            replace(lane, models=set(lane.models)) if others else only_lane(lane.name, lane.models)
        )
        copies = [replace(other, models=set(other.models)) for other in others]
        return first_for(own, copies, order, site.now)

    def victims(self, site: Site) -> list[str]:
        """The devices whose runs yield to urgent jobs that no free device takes."""
        urgent = [job for job in site.waiting.values() if job.priority == Priority.URGENT]
        if not urgent:
            return []
        first = min(urgent, key=lambda job: job.rank)
        able = [lane for lane in site.lanes if lane.takes(first)]
        wanted = sum(job.work == first.work for job in urgent)
        # A run that is interrupted already makes room for one of them.
        free = sum(
            lane.name not in site.running or site.running[lane.name].interrupted for lane in able
        )
        busy = [
            _running(run, site)
            for lane in able
            if (run := site.running.get(lane.name)) is not None and not run.interrupted
        ]
        return victims(busy, wanted - free)


def _is_decided(before: list[WaitingJob], taken: list[list[Entry]], depth: int) -> bool:
    """Whether no truncated line was assigned completely, so that more jobs change nothing."""
    given = Counter(likeness(job) for job in before)
    return all(given[likeness(line[0][2])] < depth for line in taken if len(line) > depth)


def _running(run: SimulatedRun, site: Site) -> Running:
    remaining = run.end - site.now
    left = 1.0 - run.done(site.now)
    whole = remaining / left if left > 0 else remaining
    return Running(
        run.lane.name,
        run.job.priority,
        site.preemptions.get(run.job.key, 0),
        remaining,
        whole,
    )


class _WithoutPreemption:
    """A rule that never preempts."""

    def victims(self, _: Site) -> list[str]:
        return []


class FirstCome(_WithoutPreemption):
    """A free device takes the oldest job that it can run."""

    def next(self, lane: Lane, site: Site) -> WaitingJob | None:
        """The oldest job."""
        return next((job for job in site.waiting.values() if lane.takes(job)), None)


class ShortestFirst(_WithoutPreemption):
    """A free device takes the job with the shortest run time on it."""

    def next(self, lane: Lane, site: Site) -> WaitingJob | None:
        """The shortest job, including loading."""
        able = [job for job in site.waiting.values() if lane.takes(job)]
        return min(able, key=lambda job: _on(lane, job), default=None)


def _on(lane: Lane, job: WaitingJob) -> float:
    load = 0.0 if not job.model or job.model in lane.models else lane.loading(job) or 0.0
    return load + (lane.seconds(job) or 0.0)


@dataclass(slots=True)
class EvenSplit(_WithoutPreemption):
    """Jobs are distributed in turn among the devices that can run them."""

    _turns: dict[tuple[str, ...], count[int]] = field(default_factory=dict)
    _dealt: dict[Any, str] = field(default_factory=dict)

    def next(self, lane: Lane, site: Site) -> WaitingJob | None:
        """The oldest job of the device."""
        for job in site.waiting.values():
            if job.key not in self._dealt:
                able = tuple(other.name for other in site.lanes if other.takes(job))
                turn = next(self._turns.setdefault(able, count()))
                self._dealt[job.key] = able[turn % len(able)]
        return next(
            (job for job in site.waiting.values() if self._dealt[job.key] == lane.name), None
        )
