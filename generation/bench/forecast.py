"""How long the forecast of a long queue takes, and how far off its starts are.

Ten thousand jobs wait for eight devices of three kinds, as rows with history. Timed is the whole
forecast, queries included, as pages and the API ask for it again and again; beside it the first
one of a process, which has to read every column, and the playing forward alone. Then the same
queue is served in simulated time with the same policy, by run times that differ from the expected
ones; compared are estimated and real starts, relative to the real waiting time.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable
from datetime import datetime
from math import exp
from statistics import median
from typing import Any

from django.utils import timezone

from generation.bench import _queue, _site
from generation.bench.simulation.replay import Arrival, replay
from generation.bench.simulation.rules import Policy
from generation.demo.portraits import seeded_source
from generation.estimating.estimator import Estimator
from generation.models import Device
from generation.scheduling import queue_state
from generation.scheduling.assignment import Lane, assign
from generation.scheduling.forecast import Forecaster
from generation.scheduling.policy import WaitingJob, WaitingLine
from generation.scheduling.waiting_jobs import WaitingJobs

HELP = "time of a forecast of 10,000 jobs, and the error of its starts"
ISOLATED = True


def add_arguments(parser: ArgumentParser) -> None:
    """How much, how often, and how far run times stray."""
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=9)
    parser.add_argument(
        "--sigma", type=float, default=0.15, help="of the logarithm of real over expected run time"
    )


def run(options: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Measure; milliseconds, and errors as shares of the waiting time."""
    people, cards = _queue.prepare()
    devices = _queue.park()
    _queue.add_history(people, cards, devices)
    _queue.fill(people, cards, options["jobs"])
    whole, simulation = [], []
    forecaster, waiting = Forecaster(), WaitingJobs()
    first = _timed(forecaster.forecast)
    for _ in range(options["times"]):
        whole.append(_timed(forecaster.forecast))
        simulation.append(_simulation_ms(waiting.read(), forecaster.estimator))
    estimated, now = forecaster.forecast(), timezone.now()
    starts = {place.key: place.start for place in estimated.places}
    errors = _errors(starts, waiting.read(), forecaster.estimator, now, options["sigma"])
    say(f"forecast of {options['jobs']} jobs on {len(devices)} devices, median (middle half)")
    say(f"  milliseconds, all       {_site.spread(whole)}")
    say(f"  the first in a process {first:9.4f}")
    say(f"  of them playing forward {_site.spread(simulation)}")
    say(f"  error of starts, share  {_site.spread(errors)}")
    return {
        "ms": round(median(whole), 1),
        "ms_first": round(first, 1),
        "ms_simulation": round(median(simulation), 1),
        "start_error": round(median(errors), 4),
        "start_error_p90": round(_site.percentile(errors, 0.90), 4),
        "jobs": options["jobs"],
        "devices": len(devices),
        "sigma": options["sigma"],
    }


def _timed(function: Callable[[], object]) -> float:
    started = time.perf_counter()
    function()
    return 1000 * (time.perf_counter() - started)


def _simulation_ms(waiting: list[WaitingJob], estimator: Estimator) -> float:
    """The playing forward alone, over data that was read already."""
    now = timezone.now()
    ageing = queue_state.ageing_seconds()
    had = queue_state.device_time(now.timestamp(), queue_state.runs())
    times, there = _devices(now, estimator)
    started = time.perf_counter()
    line = WaitingLine(waiting, had, now.timestamp(), ageing, times.typical)
    for _ in assign(line, there, now.timestamp()):
        pass
    return 1000 * (time.perf_counter() - started)


def _devices(now: datetime, estimator: Estimator) -> tuple[queue_state.RunTimes, list[Lane]]:
    devices = list(Device.objects.online(now))
    times = queue_state.RunTimes(devices, estimator)
    return times, queue_state.lanes(devices, times, now, queue_state.runs())


def _errors(
    estimated: dict[Any, datetime | None],
    waiting: list[WaitingJob],
    estimator: Estimator,
    now: datetime,
    sigma: float,
) -> list[float]:
    """How far each estimated start is from the real one, over the time until the real one."""
    times, there = _devices(now, estimator)
    source = seeded_source(3)
    arrivals = [Arrival(job, 0, exp(source.gauss(0.0, sigma))) for job in waiting]
    rule = Policy(queue_state.ageing_seconds(), times.typical)
    errors = []
    for served in replay(arrivals, there, rule, now.timestamp()):
        start, waited = estimated[served.job.key], served.start - now.timestamp()
        if start is not None and waited > 0:
            errors.append(abs(start.timestamp() - served.start) / waited)
    return errors
