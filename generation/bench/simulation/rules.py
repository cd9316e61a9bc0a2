"""Rules to replay a queue with: the one that the workers follow, and plain ones beside it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

from generation.bench.simulation.replay import SimulatedRun, Site
from generation.scheduling.assignment import LOOK_AHEAD, Lane, assign
from generation.scheduling.policy import WaitingJob, WaitingLine
from generation.scheduling.preemption import Running, victims
from generation.states import Priority


@dataclass(slots=True)
class Policy:
    """What the workers do: policy, assignment and giving way, as the claim asks them."""

    ageing: float
    cost: Callable[[WaitingJob], float]

    def next(self, lane: Lane, site: Site) -> WaitingJob | None:
        """The first job that the assignment gives to this device."""
        heads = [
            job
            for line in site.lines.values()
            if lane.takes(line[0][2])
            for _, _, job in line[:LOOK_AHEAD]
        ]
        if not heads:
            return None
        # Copies: what is only thought through leaves no trace.
        there = [replace(lane, free_at=site.now, models=set(lane.models))]
        there += [
            replace(other, models=set(other.models)) for other in site.lanes if other is not lane
        ]
        order = WaitingLine(heads, site.device_time(), site.now, self.ageing, self.cost)
        for one in assign(order, there, site.now):
            if one.lane is there[0]:
                return one.job
        return None

    def victims(self, site: Site) -> list[str]:
        """Who gives way to the urgent work that no free device takes."""
        urgent = [job for job in site.waiting.values() if job.priority == Priority.URGENT]
        if not urgent:
            return []
        first = min(urgent, key=lambda job: job.rank)
        able = [lane for lane in site.lanes if lane.takes(first)]
        wanted = sum(job.work == first.work for job in urgent)
        # Who lets go already serves one of them.
        free = sum(
            lane.name not in site.running or site.running[lane.name].interrupted for lane in able
        )
        busy = [
            _running(run, site)
            for lane in able
            if (run := site.running.get(lane.name)) is not None and not run.interrupted
        ]
        return victims(busy, wanted - free)


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
    """What is begun is finished."""

    def victims(self, _: Site) -> list[str]:
        return []


class FirstCome(_WithoutPreemption):
    """A free device takes what has waited longest of what it can do."""

    def next(self, lane: Lane, site: Site) -> WaitingJob | None:
        """The oldest."""
        return next((job for job in site.waiting.values() if lane.takes(job)), None)


class ShortestFirst(_WithoutPreemption):
    """A free device takes what it would have done soonest."""

    def next(self, lane: Lane, site: Site) -> WaitingJob | None:
        """The shortest, loading included."""
        able = [job for job in site.waiting.values() if lane.takes(job)]
        return min(able, key=lambda job: _on(lane, job), default=None)


def _on(lane: Lane, job: WaitingJob) -> float:
    load = 0.0 if not job.model or job.model in lane.models else lane.loading(job) or 0.0
    return load + (lane.seconds(job) or 0.0)


@dataclass(slots=True)
class EvenSplit(_WithoutPreemption):
    """Every job is dealt to one of the devices that can do it, in turn; each serves its own."""

    _turns: dict[tuple[str, ...], count[int]] = field(default_factory=dict)
    _dealt: dict[Any, str] = field(default_factory=dict)

    def next(self, lane: Lane, site: Site) -> WaitingJob | None:
        """The oldest of the device's own."""
        for job in site.waiting.values():
            if job.key not in self._dealt:
                able = tuple(other.name for other in site.lanes if other.takes(job))
                turn = next(self._turns.setdefault(able, count()))
                self._dealt[job.key] = able[turn % len(able)]
        return next(
            (job for job in site.waiting.values() if self._dealt[job.key] == lane.name), None
        )
