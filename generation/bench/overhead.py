"""What the system costs over the bare pipeline.

Pairs, one after the other: a job from its submit to its last state through a real worker process
with previews on, and the same prompt, seed, size and steps by diffusers' own pipeline in this
process, warm. The order within a pair alternates. The ratio is the median of the pairs' ratios.
Then where the job's time went, from its own stage timings.
"""

import time
from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

import torch
from diffusers import StableDiffusionPipeline
from django.contrib.auth.models import User

from generation.bench import _site
from generation.models import Job, ModelCard
from generation.queue import lifecycle
from generation.specs import RenderSpec
from generation.states import Stage

HELP = "a job through the whole system against the stock pipeline, interleaved"
ISOLATED = True
WARM_UP = 2


def add_arguments(parser: ArgumentParser) -> None:
    """How many pairs, and of what."""
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--size", type=int, default=256)


def run(options: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Measure the pairs; ratio, its spread and the parts of a job."""
    person, card = _site.prepare()
    pipeline = _stock()
    pairs: list[tuple[float, float]] = []
    parts: dict[str, list[float]] = defaultdict(list)
    with _site.worker():
        for number in range(-WARM_UP, options["pairs"]):
            spec = _spec(number, options["steps"], options["size"], card)
            if number % 2:
                stock, job = _time_stock(pipeline, spec), _render(spec, person, card)
            else:
                job, stock = _render(spec, person, card), _time_stock(pipeline, spec)
            if number >= 0:
                pairs.append((_seconds(job), stock))
                _add_parts(parts, job)
    return _report(pairs, parts, say)


def _report(
    pairs: list[tuple[float, float]], parts: dict[str, list[float]], say: Callable[[str], None]
) -> dict[str, Any]:
    ratios = [ours / stock for ours, stock in pairs]
    say(f"seconds over {len(pairs)} pairs, median (middle half)")
    say(f"  a job through the system   {_site.spread([ours for ours, _ in pairs])}")
    say(f"  the stock pipeline         {_site.spread([stock for _, stock in pairs])}")
    say(f"  ratio                      {_site.spread(ratios)}")
    say("where a job's time goes, median seconds")
    for name, values in parts.items():
        say(f"  {name:<26} {median(values):8.4f}")
    return {
        "ratio": round(median(ratios), 4),
        "ratio_p25": round(_site.percentile(ratios, 0.25), 4),
        "ratio_p75": round(_site.percentile(ratios, 0.75), 4),
        "job_seconds": round(median(ours for ours, _ in pairs), 4),
        "stock_seconds": round(median(stock for _, stock in pairs), 4),
        "parts": {name: round(median(values), 4) for name, values in parts.items()},
        "pairs": len(pairs),
    }


def _stock() -> Any:
    pipeline = StableDiffusionPipeline.from_pretrained(
        _site.TOON, dtype=torch.float32, safety_checker=None, requires_safety_checker=False
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _spec(number: int, steps: int, size: int, card: ModelCard) -> RenderSpec:
    """Another prompt each time, so that no cached embedding flatters the system."""
    prompt = f"1girl, short pink hair, blue eyes, smiling, sunset background, {number + WARM_UP}"
    return replace(_site.spec_of(card, prompt, steps, 1000 + number), width=size, height=size)


def _render(spec: RenderSpec, person: User, card: ModelCard) -> Job:
    return _site.wait_until_ended(lifecycle.submit(spec, owner=person, model=card))


def _seconds(job: Job) -> float:
    if job.finished_at is None:
        raise RuntimeError("the job has not ended")
    return (job.finished_at - job.submitted_at).total_seconds()


def _time_stock(pipeline: Any, spec: RenderSpec) -> float:
    started = time.perf_counter()
    pipeline(
        spec.prompt,
        width=spec.width,
        height=spec.height,
        num_inference_steps=spec.steps,
        guidance_scale=spec.guidance,
        generator=torch.Generator().manual_seed(spec.seed),
    )
    return time.perf_counter() - started


def _add_parts(parts: dict[str, list[float]], job: Job) -> None:
    attempt = job.attempts.get()
    timings = {timing.stage: timing.seconds for timing in attempt.timings.all()}
    pickup = (attempt.started_at - job.submitted_at).total_seconds()
    parts["submit to claim"].append(pickup)
    for stage, seconds in timings.items():
        parts[Stage(stage).label].append(seconds)
    parts["the rest (states, events)"].append(_seconds(job) - pickup - sum(timings.values()))
