"""Are the estimates true? A mixed stream, really rendered, each job estimated at its submit.

Pictures and clips of many sizes, steps and lengths in random order; now and then the model is
unloaded first. The first tenth only teaches. During the middle third of the rest another program
wants a core of this machine. Beside ours stand the formulas of other programs on the same log, and
our own estimate a quarter of the way.

Then what was never seen: a fresh estimator learns from the calibration renders alone and estimates
sizes, steps and lengths that were not among them.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from generation.bench import _clips, _site
from generation.demo.portraits import seeded_source
from generation.estimating import calibration
from generation.estimating.evaluation.backtest import OURS, Accuracy, EstimatedRun, Record, replay
from generation.estimating.evaluation.records import record_of
from generation.estimating.shapes import parse
from generation.hardware import detect
from generation.library.register import register
from generation.library.upscalers import choose_upscaler
from generation.models import Attempt, Device, Job, LearnedSpeed, ModelCard
from generation.pipelines.interpolate import interpolate
from generation.pipelines.registry import warm_up
from generation.pipelines.resident import ResidentModels
from generation.queue import lifecycle
from generation.specs import RenderSpec
from generation.worker import process
from generation.worker.runner import Worker

HELP = "estimates against actual times on a mixed stream, beside other programs' formulas"
ISOLATED = True
COLD_SHARE: Final = 0.1
"""Of the jobs before which the model is unloaded."""
IMAGE_SHARE: Final = 0.7
SIZES: Final = ((128, 128), (192, 192), (256, 192), (256, 256))
STEPS: Final = (6, 10, 16, 25)
CLIP_SIZES: Final = ((128, 128), (160, 160), (192, 128))
CLIP_FRAMES: Final = (8, 12, 20)
CLIP_STEPS: Final = (4, 8)
AFTERWARDS_SHARE: Final = 0.15
"""Of the pictures that are enlarged, and of the clips that get in-betweens."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the seven numbers of a spec say that decide its time."""

    size: tuple[int, int]
    steps: int
    frames: int = 1
    afterwards: bool = False


UNSEEN: Final = (
    _Asked((224, 160), 20),
    _Asked((256, 256), 33),
    _Asked((256, 128), 14),
    _Asked((144, 144), 6, 10),
    _Asked((128, 128), 5, 28),
)
BUSY: Final = "while True: pass"


def add_arguments(parser: ArgumentParser) -> None:
    """How many jobs, and which."""
    parser.add_argument("--jobs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path, help="write what every job took to this file")


def run(options: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Measure; shares, and errors as shares of the actual time."""
    person, image = _site.prepare()
    clip = register(_clips.MOTION, "toon-motion", is_default=True)
    with _device() as worker:
        unseen = _unseen(worker, person, image, clip)
        LearnedSpeed.objects.all().delete()
        attempts = _stream(options, worker, person, image, clip)
    records = [record_of(attempt) for attempt in attempts]
    if options["log"]:
        options["log"].write_text(json.dumps([_line(one) for one in attempts]))
    warm_up = options["jobs"] // 10
    judged = attempts[warm_up:]
    ours = Accuracy.of([one for one in map(_at_submit, judged) if one])
    quarter = Accuracy.of([one for one in map(_at_quarter, judged) if one])
    speeds = worker.estimator.speeds
    said = replay(records, lambda shape: speeds.demands(parse(shape)), warm_up)
    peers = {name: Accuracy.of(them) for name, them in said.items() if name != OURS}
    _table(say, ours, quarter, peers, unseen)
    return {
        "within_20": _rounded(ours.within),
        "mape": _rounded(ours.mean_error),
        "mape_at_25": _rounded(quarter.mean_error),
        "coverage_90": _rounded(ours.coverage),
        "judged": ours.count,
        "judged_at_25": quarter.count,
        "unseen_worst": _rounded(max(error for _, error in unseen)),
        "peers": {
            name: {"within_20": _rounded(one.within), "mape": _rounded(one.mean_error)}
            for name, one in peers.items()
        },
        "jobs": options["jobs"],
        "seed": options["seed"],
    }


@contextmanager
def _device() -> Iterator[Worker]:
    """A worker in this process: its models can be unloaded between two jobs."""
    warm_up()
    hardware = detect("cpu:0")
    device = process.register(hardware)
    models = ResidentModels(hardware.torch_device, hardware.dtype, hardware.resident_bytes)
    worker = Worker(device, models)
    worker.host_load.start()
    yield worker
    worker.host_load.stop()


def _stream(
    options: dict[str, Any], worker: Worker, person: Any, image: ModelCard, clip: ModelCard
) -> list[Attempt]:
    source, count = seeded_source(options["seed"]), options["jobs"]
    warm_up = count // 10
    third = (count - warm_up) // 3
    attempts = []
    busy: subprocess.Popen[bytes] | None = None
    for number in range(count):
        if number == warm_up + third:
            busy = subprocess.Popen([sys.executable, "-c", BUSY])
        if number == warm_up + 2 * third and busy is not None:
            busy.kill()
            busy.wait()
        if source.random() < COLD_SHARE:
            worker.models.clear()
        attempts.append(_render(worker, person, _spec(_draw(source), number, image, clip)))
    return attempts


def _render(worker: Worker, person: Any, spec: RenderSpec) -> Attempt:
    """Submit, render, and hand out the finished attempt."""
    Device.objects.filter(pk=worker.device.pk).update(resident=worker.models.slugs)
    process.beat(worker.device, worker)
    job = lifecycle.submit(
        spec,
        owner=person,
        model=ModelCard.objects.get(slug=spec.model),
        estimate=worker.estimator.estimate(spec),
    )
    worker.drain()
    job.refresh_from_db()
    if job.error_code:
        raise RuntimeError(f"{job.error_code}: {job.error_message}")
    return Attempt.objects.select_related("job", "device").get(job=job)


def _draw(source: random.Random) -> _Asked:
    afterwards = source.random() < AFTERWARDS_SHARE
    if source.random() < IMAGE_SHARE:
        return _Asked(source.choice(SIZES), source.choice(STEPS), 1, afterwards)
    size, frames = source.choice(CLIP_SIZES), source.choice(CLIP_FRAMES)
    return _Asked(size, source.choice(CLIP_STEPS), frames, afterwards)


def _spec(asked: _Asked, seed: int, image: ModelCard, clip: ModelCard) -> RenderSpec:
    card = image if asked.frames == 1 else clip
    moving = asked.frames > 1
    return RenderSpec(
        type="video" if moving else "image",
        model=card.slug,
        prompt=f"1girl, blue hair, smiling, take {seed}",
        quality="standard",
        width=asked.size[0],
        height=asked.size[1],
        steps=asked.steps,
        guidance=card.guidance,
        seed=seed,
        scheduler=card.scheduler,
        frames=asked.frames,
        fps=card.fps if moving else 0.0,
        context_frames=card.context_frames,
        interpolate=2 if moving and asked.afterwards else 1,
        interpolator=interpolate.DEFAULT if moving and asked.afterwards else "",
        upscale=2 if asked.afterwards and not moving else 1,
        upscaler=choose_upscaler(2, None) if asked.afterwards and not moving else "",
    )


def _unseen(
    worker: Worker, person: Any, image: ModelCard, clip: ModelCard
) -> list[tuple[str, float]]:
    """How far off estimates of new sizes, steps and lengths are after calibration only."""
    for spec in calibration.specs_for([image, clip]):
        _render(worker, person, spec)
    found = []
    for number, asked in enumerate(UNSEEN):
        attempt = _render(worker, person, _spec(asked, 9000 + number, image, clip))
        estimated = _at_submit(attempt)
        name = f"{asked.size[0]}x{asked.size[1]}, {asked.frames} frames, {asked.steps} steps"
        found.append((name, estimated.error if estimated else float("inf")))
    return found


def _at_submit(attempt: Attempt) -> EstimatedRun | None:
    job, actual = attempt.job, attempt.run_seconds
    if job.estimated_seconds is None or actual is None:
        return None
    return EstimatedRun(job.estimated_seconds, actual, job.estimated_low, job.estimated_high)


def _at_quarter(attempt: Attempt) -> EstimatedRun | None:
    if attempt.estimated_at_quarter is None or attempt.run_seconds is None:
        return None
    return EstimatedRun(attempt.estimated_at_quarter, attempt.run_seconds)


def _table(
    say: Callable[[str], None],
    ours: Accuracy,
    quarter: Accuracy,
    peers: dict[str, Accuracy],
    unseen: list[tuple[str, float]],
) -> None:
    say(f"{'':<24}{'jobs':>6}{'within 20 %':>13}{'mean error':>12}{'median':>9}{'coverage':>10}")
    rows = {"Genga, at submit": ours, "Genga, at a quarter": quarter, **peers}
    for name, one in rows.items():
        say(
            f"{name:<24}{one.count:>6}{_percent(one.within):>13}{_percent(one.mean_error):>12}"
            f"{_percent(one.median_error):>9}{_percent(one.coverage):>10}"
        )
    say("never seen before, after calibration only")
    for name, error in unseen:
        say(f"  {name:<36}{_percent(error):>8}")


def _percent(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _line(attempt: Attempt) -> dict[str, Any]:
    job: Job = attempt.job
    record: Record = record_of(attempt)
    return {
        "shape": record.shape,
        "work": record.work,
        "cold": record.cold,
        "load_before": record.load_before,
        "load": record.load,
        "stages": record.stages,
        "estimated": [job.estimated_seconds, job.estimated_low, job.estimated_high],
        "at_quarter": attempt.estimated_at_quarter,
    }
