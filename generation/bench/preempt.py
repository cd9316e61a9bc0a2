"""Latency of urgent work on a busy device, and whether preempted work is bit-identical.

A worker process renders a long picture. At a random time in the first nine tenths of the run
(because a job that is nearly finished is not preempted), a short urgent render is submitted. The
picture is preempted and resumed afterwards. The result is the time from the submit to the claim of
the urgent render, minus the same time on an idle worker, in denoising steps of the picture. Every
preempted picture is compared byte by byte with that of a run without preemption. In the baseline
the pictures are urgent too, so that no job is preempted.
"""

from __future__ import annotations

import hashlib
import time
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from statistics import median
from typing import Any, Final

from django.contrib.auth.models import User

from generation.bench import _site
from generation.demo.portraits import seeded_source
from generation.models import Attempt, Job, ModelCard, StageTiming
from generation.queue import lifecycle
from generation.specs import RenderSpec
from generation.states import Priority, Stage

HELP = "start of urgent work on a busy device, in steps, and whether preempted work is identical"
ISOLATED = True
SEEDS: Final = 3
"""Number of different pictures, each compared with its run without preemption."""
SHARE: Final = 0.9
URGENT_STEPS: Final = 2
POLL_SECONDS: Final = 0.005


def add_arguments(parser: ArgumentParser) -> None:
    """Options: number of trials, and the settings of the pictures."""
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--size", type=int, default=256)


@dataclass(slots=True)
class _Site:
    """State of the benchmark: digests and seconds of the pictures without preemption."""

    person: User
    card: ModelCard
    steps: int
    size: int
    source: Random
    digests: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0
    pickups: list[float] = field(default_factory=list)

    def picture(self, seed: int, priority: Priority) -> Job:
        """Submit one of the long pictures."""
        return self._submit(self.steps, self.size, seed, priority)

    def urgent(self, number: int) -> tuple[Job, float]:
        """Submit a short urgent render; return it and the time before the submit."""
        before = time.time()
        return self._submit(URGENT_STEPS, 128, 1000 + number, Priority.URGENT), before

    def _submit(self, steps: int, size: int, seed: int, priority: Priority) -> Job:
        prompt = "1girl, long blue hair, green eyes, smiling, night background"
        spec: RenderSpec = replace(
            _site.spec_of(self.card, prompt, steps, seed), width=size, height=size
        )
        return lifecycle.submit(spec, owner=self.person, model=self.card, priority=priority)


@dataclass(frozen=True, slots=True)
class _Trial:
    """One trial. `seconds` is the time from the urgent submit to its claim.

    `let_go` is the time from the urgent submit until the picture was back in the queue.
    """

    seconds: float
    let_go: float
    step_seconds: float
    preempted: bool
    identical: bool


def run(options: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Run the benchmark; results are in denoising steps of the preempted pictures."""
    person, card = _site.prepare()
    site = _Site(person, card, options["steps"], options["size"], seeded_source(5))
    with _site.worker():
        _learn(site, min(SEEDS, options["times"]))
        trials, baseline = [], []
        for number in range(options["times"]):
            site.pickups.append(_pickup(site, number))
            trials.append(_interrupt(site, number, Priority.NORMAL))
            baseline.append(_interrupt(site, number, Priority.URGENT))
    pickup = median(site.pickups)
    preempted = [trial for trial in trials if trial.preempted]
    if not preempted:
        raise RuntimeError("no picture was preempted")
    steps = [_steps(trial, pickup) for trial in preempted]
    waits = [_steps(trial, pickup) for trial in baseline]
    let_go = [trial.let_go / trial.step_seconds for trial in preempted]
    say(f"start of urgent work after its submit, in steps beyond the pickup of {pickup:.4f} s")
    say(f"  preemption        {_site.spread(steps)}   at most {max(steps):.2f}")
    say(f"  of it, yield      {_site.spread(let_go)}   at most {max(let_go):.2f}")
    say(f"  no preemption     {_site.spread(waits)}   at most {max(waits):.2f}")
    say(f"  preempted in {len(preempted)} of {len(trials)}")
    return {
        "p99_steps": round(_site.percentile(steps, 0.99), 3),
        "median_steps": round(median(steps), 3),
        "median_let_go_steps": round(median(let_go), 3),
        "baseline_p99_steps": round(_site.percentile(waits, 0.99), 3),
        "baseline_median_steps": round(median(waits), 3),
        "identical": all(trial.identical for trial in preempted),
        "preempted": len(preempted),
        "times": len(trials),
        "pickup_ms": round(1000 * pickup, 2),
        "step_ms": round(1000 * median(trial.step_seconds for trial in preempted), 1),
    }


def _steps(trial: _Trial, pickup: float) -> float:
    return max(0.0, trial.seconds - pickup) / trial.step_seconds


def _learn(site: _Site, seeds: int) -> None:
    """Render every picture once without preemption, with a loaded model."""
    _pickup(site, -1)
    seconds = []
    for seed in range(seeds):
        job = _site.wait_until_ended(site.picture(seed, Priority.NORMAL))
        site.digests[seed] = _digest(job)
        run_seconds = job.attempts.get().run_seconds
        seconds.append(run_seconds or 0.0)
    site.seconds = median(seconds)


def _pickup(site: _Site, number: int) -> float:
    """Seconds from a submit to its claim by an idle worker."""
    urgent, before = site.urgent(number)
    _site.wait_until_ended(urgent)
    return _started(urgent) - before


def _interrupt(site: _Site, number: int, priority: Priority) -> _Trial:
    """Render a picture, and submit an urgent render meanwhile."""
    seed = number % SEEDS
    picture = site.picture(seed, priority)
    while not picture.attempts.exists():
        time.sleep(POLL_SECONDS)
    moment = _started(picture) + site.source.uniform(0.0, SHARE) * site.seconds
    time.sleep(max(0.0, moment - time.time()))
    urgent, before = site.urgent(number)
    _site.wait_until_ended(urgent)
    _site.wait_until_ended(picture)
    timings = StageTiming.objects.filter(attempt__job=picture, stage=Stage.DENOISE)
    return _Trial(
        _started(urgent) - before,
        _first_end(picture) - before,
        median(step for timing in timings for step in timing.steps),
        picture.preemptions > 0,
        _digest(picture) == site.digests[seed],
    )


def _started(job: Job) -> float:
    first: Attempt = job.attempts.order_by("number")[0]
    return first.started_at.timestamp()


def _first_end(job: Job) -> float:
    first: Attempt = job.attempts.order_by("number")[0]
    return first.finished_at.timestamp() if first.finished_at else 0.0


def _digest(job: Job) -> str:
    with job.outputs.get().file.open() as file:
        return hashlib.sha256(file.read()).hexdigest()
