"""Small drafts rendered as batches and one by one, by the same worker, in turn.

So many drafts wait, and one worker of this process serves them all, once with batches of the given
size and once alone; then again in the other order. The same pictures come out of both; compared
is every pixel.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np
from django.contrib.auth.models import User
from PIL import Image

from generation.bench import _site
from generation.hardware import detect
from generation.models import Job, ModelCard
from generation.pipelines.registry import warm_up
from generation.pipelines.resident import ResidentModels
from generation.queue import lifecycle
from generation.scheduling import claim
from generation.specs import Quality, RenderSpec
from generation.worker.process import register
from generation.worker.runner import Worker

HELP = "small drafts in batches against the same drafts one by one, interleaved"
ISOLATED = True


def add_arguments(parser: ArgumentParser) -> None:
    """How many, how large, and which batches."""
    parser.add_argument("--jobs", type=int, default=32)
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--steps", type=int, help="by default those of a draft")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--device", default="cpu:0")
    parser.add_argument(
        "--batches",
        default=str(claim.MAX_BATCH),
        help="largest batches to try, with commas between; the first gives the figures",
    )


def run(options: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Measure; pictures a second, their ratio, and the largest difference of 0 to 255."""
    person, card = _site.prepare()
    steps = options["steps"] or card.draft_steps
    specs = [_spec(card, number, options["size"], steps) for number in range(options["jobs"])]
    warm_up()
    worker = _worker(options["device"])
    sizes = [int(size) for size in options["batches"].split(",")]
    _serve(worker, specs[:2], person, card, 1)
    seconds: dict[int, list[float]] = {size: [] for size in [1, *sizes]}
    pictures: dict[int, list[np.ndarray[Any, Any]]] = {}
    for number in range(options["rounds"]):
        for size in sorted(seconds, reverse=bool(number % 2)):
            taken, pictures[size] = _serve(worker, specs, person, card, size)
            seconds[size].append(taken)
    speedups = {
        size: median(one / many for one, many in zip(seconds[1], seconds[size], strict=True))
        for size in sizes
    }
    say(f"{len(specs)} drafts of {options['size']} pixels and {steps} steps, {options['device']}")
    say(f"{'largest batch':<16}{'seconds':>10}{'a second':>10}{'speedup':>10}{'difference':>12}")
    for size, rounds in seconds.items():
        best, ratio = median(rounds), speedups.get(size, 1.0)
        difference = _difference(pictures[1], pictures[size])
        say(f"{size:<16}{best:>10.2f}{len(specs) / best:>10.2f}{ratio:>10.2f}{difference:>12}")
    return {
        "speedup": round(speedups[sizes[0]], 3),
        "max_difference": max(_difference(pictures[1], pictures[size]) for size in sizes),
        "speedups": {str(size): round(ratio, 3) for size, ratio in speedups.items()},
        "per_second_alone": round(len(specs) / median(seconds[1]), 3),
        "per_second": round(len(specs) / median(seconds[sizes[0]]), 3),
        "jobs": len(specs),
        "steps": steps,
        "size": options["size"],
    }


def _spec(card: ModelCard, number: int, size: int, steps: int) -> RenderSpec:
    prompt = f"1girl, short pink hair, blue eyes, sunset background, {number}"
    spec = _site.spec_of(card, prompt, steps, number)
    return replace(spec, quality=Quality.DRAFT.value, width=size, height=size)


def _worker(name: str) -> Worker:
    """A worker in this process: whatever others do costs both ways of serving the same."""
    hardware = detect(name)
    models = ResidentModels(hardware.torch_device, hardware.dtype, hardware.resident_bytes)
    return Worker(register(hardware), models)


def _serve(
    worker: Worker, specs: list[RenderSpec], person: User, card: ModelCard, largest: int
) -> tuple[float, list[np.ndarray[Any, Any]]]:
    """Seconds until all are done, and their pictures."""
    submitted = [lifecycle.submit(spec, owner=person, model=card) for spec in specs]
    usual, claim.MAX_BATCH = claim.MAX_BATCH, largest
    try:
        started = time.perf_counter()
        worker.drain()
        taken = time.perf_counter() - started
    finally:
        claim.MAX_BATCH = usual
    _check_batches(submitted, largest)
    return taken, [_picture(job) for job in submitted]


def _check_batches(submitted: list[Job], largest: int) -> None:
    """Raises RuntimeError when what was measured is not what was asked for."""
    sizes = {job.attempts.get().batch_size for job in submitted}
    wanted = min(largest, len(submitted))
    if max(sizes) != wanted:
        raise RuntimeError(f"batches of up to {max(sizes)} were rendered instead of {wanted}")


def _picture(job: Job) -> np.ndarray[Any, Any]:
    job.refresh_from_db()
    with job.outputs.get().file.open() as file, Image.open(file) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.int16)


def _difference(some: list[np.ndarray[Any, Any]], others: list[np.ndarray[Any, Any]]) -> int:
    return max(int(np.abs(one - other).max()) for one, other in zip(some, others, strict=True))
