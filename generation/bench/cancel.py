"""Latency of a cancel in every stage of a render.

A worker in a thread of this process renders pictures, and clips that have all stages. The job is
cancelled at a random time of each stage; the result is the time from the cancel to the job's end,
however it ends. Decodes that begin after an earlier cancel are counted, because they are wasted
work.
"""

from __future__ import annotations

import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from random import Random
from statistics import median
from typing import Any, Final
from unittest.mock import patch

from django.contrib.auth.models import User
from django.db import connections

from generation.bench import _clips, _site
from generation.demo.portraits import seeded_source
from generation.hardware import Hardware, detect
from generation.library.register import register as register_model
from generation.models import Job, ModelCard, StageTiming
from generation.pipelines.interpolate.interpolate import DEFAULT as DEFAULT_INTERPOLATOR
from generation.pipelines.registry import warm_up
from generation.pipelines.resident import ResidentModels
from generation.queue import lifecycle, requests
from generation.specs import RenderSpec
from generation.states import Stage
from generation.worker.process import register
from generation.worker.runner import Worker
from generation.worker.stage_clock import StageClock

HELP = "time from a cancel to the job's end in every stage"
ISOLATED = True
QUEUED: Final = "queued"
PROMPT: Final = "1girl, long blue hair, green eyes, smiling, sky background"
PICTURE_STEPS: Final = 25
TRIES: Final = 6


def add_arguments(parser: ArgumentParser) -> None:
    """Options: number of cancels, and the settings of the renders."""
    parser.add_argument("--times", type=int, default=10, help="in each stage")
    parser.add_argument("--size", type=int, default=128, help="of the clips")
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--steps", type=int, default=10, help="of the clips")
    parser.add_argument("--upscaler", default="lanczos")
    parser.add_argument("--device", default="cpu:0")


@dataclass(slots=True)
class _Watch:
    """Records when each stage begins."""

    wanted: Stage | None = None
    reached: threading.Event = field(default_factory=threading.Event)
    begun: list[tuple[Stage, float]] = field(default_factory=list)

    def expect(self, wanted: Stage | None) -> None:
        """Reset the records; `reached` is set when the stage `wanted` begins."""
        self.wanted, self.begun = wanted, []
        self.reached.clear()

    def note(self, stage: Stage) -> None:
        """Record the begin of a stage."""
        self.begun.append((stage, time.time()))
        if stage == self.wanted:
            self.reached.set()


@dataclass(slots=True)
class _Bench:
    """State of the benchmark. `usual` has the seconds of each stage without a cancel."""

    person: User
    worker: Worker
    hardware: Hardware
    watch: _Watch
    source: Random
    usual: dict[tuple[str, str], float] = field(default_factory=dict)
    step_seconds: dict[str, float] = field(default_factory=dict)

    def submit(self, spec: RenderSpec, card: ModelCard) -> Job:
        return lifecycle.submit(spec, owner=self.person, model=card)

    def forget_models(self) -> None:
        """Unload all models, so that the next render has a load stage."""
        self.worker.models = ResidentModels(
            self.hardware.torch_device, self.hardware.dtype, self.hardware.resident_bytes
        )


@dataclass(frozen=True, slots=True)
class _Trial:
    """Seconds from the cancel to the end; `steps` is the same time in denoising steps.

    `late` is true if the stage ended before the cancel.
    """

    seconds: float
    steps: float
    late: bool
    decoded_after: bool


def run(options: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Run the benchmark; results are in seconds, for denoising also in steps."""
    person, card = _site.prepare()
    motion = register_model(_clips.MOTION, "toon-motion", is_default=True)
    warm_up()
    hardware = detect(options["device"])
    models = ResidentModels(hardware.torch_device, hardware.dtype, hardware.resident_bytes)
    worker = Worker(register(hardware), models)
    renders = [(_clip(options), motion), (_site.spec_of(card, PROMPT, PICTURE_STEPS, 1), card)]
    trials: dict[str, list[_Trial]] = {}
    with _watched() as watch:
        bench = _Bench(person, worker, hardware, watch, seeded_source(6))
        for spec, model in renders:
            _learn(bench, spec, model)
        for stage in [QUEUED, *Stage]:
            # The other stages of pictures are too short to be cancelled.
            kinds = renders if stage in (QUEUED, Stage.LOAD, Stage.DENOISE) else renders[:1]
            trials[stage] = [
                _cancel(bench, *kinds[number % len(kinds)], stage)
                for number in range(options["times"])
            ]
    return _report(trials, say)


def _report(trials: dict[str, list[_Trial]], say: Callable[[str], None]) -> dict[str, Any]:
    say(f"{'cancelled in':<14}{'seconds, median':>16}{'p99':>8}{'steps, p99':>12}")
    seconds = {}
    for stage, tries in trials.items():
        seconds[stage] = round(_site.percentile([trial.seconds for trial in tries], 0.99), 3)
        steps = _site.percentile([trial.steps for trial in tries], 0.99)
        say(
            f"{stage:<14}{median(trial.seconds for trial in tries):>16.3f}{seconds[stage]:>8.3f}"
            f"{steps:>12.2f}"
        )
    denoising = trials[Stage.DENOISE]
    return {
        "p99_steps": round(_site.percentile([trial.steps for trial in denoising], 0.99), 3),
        "p99_seconds": seconds,
        "decodes_after": sum(
            trial.decoded_after
            for stage in (QUEUED, Stage.LOAD, Stage.ENCODE, Stage.DENOISE)
            for trial in trials[stage]
        ),
        "missed": sum(trial.late for tries in trials.values() for trial in tries),
        "times": len(denoising),
    }


def _clip(options: dict[str, Any]) -> RenderSpec:
    """The spec of a clip that has all stages."""
    size, steps = options["size"], options["steps"]
    return replace(
        _clips.spec_of(PROMPT, frames=options["frames"], steps=steps, size=size, seed=1),
        interpolate=2,
        interpolator=DEFAULT_INTERPOLATOR,
        upscale=2,
        upscaler=options["upscaler"],
    )


def _learn(bench: _Bench, spec: RenderSpec, card: ModelCard) -> None:
    """Render with and without loading, to learn the seconds of each stage."""
    bench.forget_models()
    for _ in range(2):
        job = bench.submit(spec, card)
        render = _render_thread(bench.worker)
        render.start()
        render.join()
        _site.wait_until_ended(job)
        for timing in StageTiming.objects.filter(attempt__job=job):
            # For the load stage the first run counts, for all others the second.
            if timing.stage != Stage.LOAD or (spec.type, timing.stage) not in bench.usual:
                bench.usual[spec.type, timing.stage] = timing.seconds
            if timing.steps:
                bench.step_seconds[spec.type] = median(timing.steps)


def _cancel(bench: _Bench, spec: RenderSpec, card: ModelCard, stage: str) -> _Trial:
    """Cancel a render at a random time of this stage.

    If the stage has ended by then, because it was faster than usual, the trial is repeated with an
    earlier time.
    """
    patience = bench.usual.get((spec.type, stage), 0.0)
    for _ in range(TRIES):
        trial = _try(bench, spec, card, stage, bench.source.random() * patience)
        if not trial.late:
            break
        patience /= 2
    return trial


def _try(bench: _Bench, spec: RenderSpec, card: ModelCard, stage: str, patience: float) -> _Trial:
    if stage == Stage.LOAD:
        bench.forget_models()
    bench.watch.expect(None if stage == QUEUED else Stage(stage))
    job = bench.submit(spec, card)
    thread = _render_thread(bench.worker)
    if stage != QUEUED:
        thread.start()
        if not bench.watch.reached.wait(_site.RENDER_SECONDS):
            raise RuntimeError(f"no render reached the stage {stage}")
        time.sleep(patience)
    there = stage == QUEUED or bench.watch.begun[-1][0] == stage
    asked = time.time()
    there = requests.cancel(job) and there
    if stage != QUEUED:
        thread.join()
    job = _site.wait_until_ended(job)
    ended = job.finished_at.timestamp() if job.finished_at else 0.0
    seconds = max(0.0, ended - asked)
    return _Trial(
        seconds,
        seconds / _step_seconds(bench, job, spec),
        not there,
        there and any(begun == Stage.DECODE and at > asked for begun, at in bench.watch.begun),
    )


def _step_seconds(bench: _Bench, job: Job, spec: RenderSpec) -> float:
    """Median step of this render; of a complete one if it made no step."""
    timings = StageTiming.objects.filter(attempt__job=job, stage=Stage.DENOISE)
    steps = [step for timing in timings for step in timing.steps]
    return median(steps) if steps else bench.step_seconds[spec.type]


def _render_thread(worker: Worker) -> threading.Thread:
    """Every render runs in a thread like this, so that torch computes in one thread at a time."""
    return threading.Thread(target=_drain, args=(worker,), name="render")


def _drain(worker: Worker) -> None:
    try:
        worker.drain()
    finally:
        connections.close_all()


@contextmanager
def _watched() -> Iterator[_Watch]:
    """Patch StageClock to report the begin of each stage to the returned watch."""
    usual, watch = StageClock.stage, _Watch()

    def stage(clock: StageClock, stage: Stage, parts: int = 0) -> AbstractContextManager[None]:
        watch.note(stage)
        return usual(clock, stage, parts)

    with patch.object(StageClock, "stage", stage):
        yield watch
