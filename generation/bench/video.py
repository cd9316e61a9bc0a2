"""What clips cost: seconds a frame and peak memory by length, and our loop beside the stock one.

Each length is rendered as a job by a fresh worker process, whose own peak is read from the
system, so that nothing of a former render is counted. Then a clip of 16 frames is encoded, denoised
and decoded by our loop and by diffusers' AnimateDiffPipeline in turn, each warm in a process of its
own: ours in this one, the stock pipeline in one without any of our settings.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, Final

import psutil
from django.contrib.auth.models import User

from generation.bench import _clips, _site
from generation.bench._stock import stock_pipeline
from generation.library.register import register
from generation.models import Device, ModelCard
from generation.pipelines.families.animate_diff.pipeline import AnimateDiff
from generation.queue import lifecycle
from generation.scheduling.capacity import MemoryNeed
from generation.specs import RenderSpec
from generation.worker.threads import described

HELP = "seconds a frame and peak memory of clips by length; our loop beside the stock pipeline"
ISOLATED = True
PROMPT: Final = "1girl, long blue hair, green eyes, smiling, sky background"
PAIR_FRAMES: Final = 16
MEGA: Final = 1 << 20


def add_arguments(parser: ArgumentParser) -> None:
    """Which lengths, and how many pairs."""
    parser.add_argument("--frames", default="24,72,144", help="lengths, with commas between")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument(
        "--pairs", type=int, default=5, help="of the comparison with the stock loop"
    )


def run(options: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Measure; lists have one entry a length."""
    person, _ = _site.prepare()
    card = register(_clips.MOTION, "toon-motion", is_default=True)
    lengths = [int(length) for length in options["frames"].split(",")]
    say(f"{'frames':>7}{'seconds':>10}{'s/frame':>10}{'peak MB':>10}{'plan MB':>13}")
    measured = []
    plan = []
    for frames in lengths:
        spec = _spec(frames, options)
        seconds, peak = _one_length(spec, person, card)
        need = MemoryNeed.of(spec, card, "cpu").total(frames, spec.context_frames) / MEGA
        measured.append((seconds / frames, peak))
        plan.append(round(need, 1))
        say(f"{frames:>7}{seconds:>10.1f}{seconds / frames:>10.3f}{peak:>10.0f}{need:>13.0f}")
    ratios, threads = _pairs(options)
    for name, told in threads.items():
        say(f"{name + ':':<8}{told}")
    say(f"our loop over the stock pipeline, {len(ratios)} pairs of {PAIR_FRAMES} frames")
    say(f"  ratio  {_site.spread(ratios)}")
    return {
        "frames": lengths,
        "seconds_per_frame": [round(seconds, 4) for seconds, _ in measured],
        "peak_mb": [round(peak, 1) for _, peak in measured],
        "foreseen_mb": plan,
        "peak_growth": round(measured[-1][1] / measured[0][1], 4),
        "ratio_to_stock": round(median(ratios), 4),
        "ratio_p25": round(_site.percentile(ratios, 0.25), 4),
        "ratio_p75": round(_site.percentile(ratios, 0.75), 4),
        "threads": threads,
        "steps": options["steps"],
        "size": options["size"],
    }


def _spec(frames: int, options: dict[str, Any]) -> RenderSpec:
    size, steps = options["size"], options["steps"]
    return _clips.spec_of(PROMPT, frames=frames, steps=steps, size=size, seed=frames)


def _one_length(spec: RenderSpec, person: User, card: ModelCard) -> tuple[float, float]:
    """Seconds and peak megabytes of one job in a worker process of its own."""
    with _site.worker() as device:
        job = _site.wait_until_ended(lifecycle.submit(spec, owner=person, model=card), 3600)
        if job.finished_at is None or job.started_at is None:
            raise RuntimeError("the job has not ended")
        return (job.finished_at - job.started_at).total_seconds(), _peak_megabytes(device)


def _peak_megabytes(device: Device) -> float:
    """The most memory that the worker's process ever held, as the system counted it."""
    if not psutil.LINUX:
        raise RuntimeError("the peak of another process can only be read on Linux")
    for line in Path(f"/proc/{device.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / MEGA
    raise RuntimeError("the system does not say the worker's peak")


def _pairs(options: dict[str, Any]) -> tuple[list[float], dict[str, str]]:
    """Ours over stock, in turn, the first of each to warm up; and the threads of both."""
    ours = _clips.load()
    ratios = []
    with stock_pipeline(_clips.TOON, _clips.MOTION) as stock:
        for number in range(options["pairs"] + 1):
            # Another prompt each time, so that no cached embedding flatters our loop.
            spec = replace(_spec(PAIR_FRAMES, options), prompt=f"{PROMPT}, {number}")
            if number % 2:
                taken, usual = _time_ours(ours, spec), stock.seconds(spec)
            else:
                usual, taken = stock.seconds(spec), _time_ours(ours, spec)
            if number:
                ratios.append(taken / usual)
        return ratios, {"ours": described(), "stock": stock.threads}


def _time_ours(ours: AnimateDiff, spec: RenderSpec) -> float:
    started = time.perf_counter()
    _clips.render(ours, spec)
    return time.perf_counter() - started
