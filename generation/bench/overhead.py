"""What the system costs over the bare pipeline.

A job of the demo model through `manage.py worker`, with progress and previews on, and the same
prompt, seed, size and steps by diffusers' own pipeline. Each runs warm in a process of its own, on
the same machine; they take turns, pair by pair, and the order within a pair alternates. The stock
process gets no environment variable of ours and no thread settings; the worker is started as an
operator starts it, and sleeps (SIGSTOP) while the stock pipeline runs, so that its polling costs
the other side nothing.

`ratio` compares the whole job, from its submit to its last state, with the stock call, from the
prompt to the finished picture: pickup, database, PNG, thumbnail and previews count against the
system. `render_ratio` compares only what both do: encode, denoise and decode. Both are medians of
the pairs' ratios. Then where the job's time went, from its own stage timings.
"""

from argparse import ArgumentParser
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from statistics import median
from tempfile import TemporaryFile
from typing import IO, Any

import psutil
from django.contrib.auth.models import User

from generation.bench import _site
from generation.bench._stock import StockPipeline, stock_pipeline
from generation.models import Device, Job, ModelCard
from generation.queue import lifecycle
from generation.specs import RenderSpec
from generation.states import Stage
from generation.worker.threads import DESCRIBES

HELP = "a job through the whole system against the stock pipeline, interleaved"
ISOLATED = True
WARM_UP = 2
LOOK_SECONDS = 0.5
"""Between looks at a running job. Its seconds are read from its row, so rare looks cost nothing."""
RENDER = (Stage.ENCODE, Stage.DENOISE, Stage.DECODE)
"""What the stock call does too."""


@dataclass(slots=True)
class _Bench:
    """Both sides, and what was measured of them."""

    person: User
    card: ModelCard
    device: Device
    stock: StockPipeline
    pairs: list[tuple[float, float]] = field(default_factory=list)
    renders: list[float] = field(default_factory=list)
    parts: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def pair(self, spec: RenderSpec, *, stock_first: bool) -> tuple[Job, float]:
        """The ended job and the seconds of the stock pipeline."""
        if stock_first:
            stock = self._time_stock(spec)
            return self._render(spec), stock
        return self._render(spec), self._time_stock(spec)

    def count(self, job: Job, stock: float) -> None:
        """Keep a pair that is no warm-up."""
        attempt = job.attempts.get()
        timings = {Stage(timing.stage): timing.seconds for timing in attempt.timings.all()}
        pickup = (attempt.started_at - job.submitted_at).total_seconds()
        self.pairs.append((_seconds(job), stock))
        self.renders.append(sum(timings[stage] for stage in RENDER) / stock)
        self.parts["submit to claim"].append(pickup)
        for stage, seconds in timings.items():
            self.parts[stage.label].append(seconds)
        rest = _seconds(job) - pickup - sum(timings.values())
        self.parts["the rest (states, events)"].append(rest)

    def _render(self, spec: RenderSpec) -> Job:
        job = lifecycle.submit(spec, owner=self.person, model=self.card)
        return _site.wait_until_ended(job, every=LOOK_SECONDS)

    def _time_stock(self, spec: RenderSpec) -> float:
        worker = psutil.Process(self.device.pid)
        worker.suspend()
        try:
            return self.stock.seconds(spec)
        finally:
            worker.resume()
            # After a long call it has to be heard of before it is given work.
            _site.wait_until_online(self.device.name)


def add_arguments(parser: ArgumentParser) -> None:
    """How many pairs, and of what."""
    parser.add_argument("--pairs", type=int, default=30)
    parser.add_argument("--steps", type=int, default=25)
    parser.add_argument("--size", type=int, default=256)


def run(options: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Measure the pairs; ratio, its spread and the parts of a job."""
    person, card = _site.prepare()
    with (
        TemporaryFile("w+") as log,
        _site.worker(log=log) as device,
        stock_pipeline(_site.TOON) as stock,
    ):
        bench = _Bench(person, card, device, stock)
        for number in range(-WARM_UP, options["pairs"]):
            spec = _spec(number, options["steps"], options["size"], card)
            pair = bench.pair(spec, stock_first=bool(number % 2))
            if number >= 0:
                bench.count(*pair)
        threads = {"worker": _said(log), "stock": stock.threads}
    return _report(bench, threads, say)


def _report(bench: _Bench, threads: dict[str, str], say: Callable[[str], None]) -> dict[str, Any]:
    ratios = [ours / stock for ours, stock in bench.pairs]
    for name, told in threads.items():
        say(f"{name + ':':<8}{told}")
    say(f"seconds over {len(ratios)} pairs, median (middle half)")
    say(f"  a job through the system   {_site.spread([ours for ours, _ in bench.pairs])}")
    say(f"  the stock pipeline         {_site.spread([stock for _, stock in bench.pairs])}")
    say(f"  ratio                      {_site.spread(ratios)}")
    say(f"  ratio of the render alone  {_site.spread(bench.renders)}")
    say("where a job's time goes, median seconds")
    for name, values in bench.parts.items():
        say(f"  {name:<26} {median(values):8.4f}")
    return {
        "ratio": round(median(ratios), 4),
        "ratio_p25": round(_site.percentile(ratios, 0.25), 4),
        "ratio_p75": round(_site.percentile(ratios, 0.75), 4),
        "render_ratio": round(median(bench.renders), 4),
        "job_seconds": round(median(ours for ours, _ in bench.pairs), 4),
        "stock_seconds": round(median(stock for _, stock in bench.pairs), 4),
        "parts": {name: round(median(values), 4) for name, values in bench.parts.items()},
        "threads": threads,
        "pairs": len(ratios),
    }


def _said(log: IO[str]) -> str:
    """What the worker said of its threads."""
    log.seek(0)
    lines = [line for line in log if DESCRIBES in line]
    return lines[-1][lines[-1].index(DESCRIBES) :].strip()


def _spec(number: int, steps: int, size: int, card: ModelCard) -> RenderSpec:
    """Another prompt each time, so that no cached embedding flatters the system."""
    prompt = f"1girl, short pink hair, blue eyes, smiling, sunset background, {number + WARM_UP}"
    return replace(_site.spec_of(card, prompt, steps, 1000 + number), width=size, height=size)


def _seconds(job: Job) -> float:
    if job.finished_at is None:
        raise RuntimeError("the job has not ended")
    return (job.finished_at - job.submitted_at).total_seconds()
