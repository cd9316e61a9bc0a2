"""What an estimate costs, and what learning from an attempt costs, whatever the history's length.

Timed are `Estimator.estimate` for settings that are never the same twice, queries included, and
`Estimator.learn` for attempts that have just ended. First with a short history, then with a long
one in the same database.
"""

from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from generation.bench import _queue, _site
from generation.demo.portraits import seeded_source
from generation.estimating.estimator import Estimator
from generation.models import Attempt, Device, Job
from generation.specs import RenderSpec
from generation.states import Outcome

HELP = "milliseconds of an estimate and of learning from an attempt, with a long history"
ISOLATED = True
AT_ONCE: Final = 5000


def add_arguments(parser: ArgumentParser) -> None:
    """How often, and how long a history."""
    parser.add_argument("--times", type=int, default=300)
    parser.add_argument("--attempts", type=int, default=1_000_000)


def run(options: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Measure; milliseconds."""
    people, cards = _queue.prepare()
    devices = _queue.park()
    estimator = Estimator()
    _queue.add_history(people, cards, devices)
    short = _measure(options["times"], devices, estimator)
    _lengthen(options["attempts"], devices)
    long = _measure(options["times"], devices, estimator)
    say(f"milliseconds, median (middle half), {Attempt.objects.count()} attempts in the end")
    for name, (predicting, learning) in (("short history", short), ("long history", long)):
        say(f"  {name:<14} an estimate {_site.spread(predicting)}")
        say(f"  {'':<14} learning    {_site.spread(learning)}")
    return {
        "estimate_ms": round(_site.percentile(long[0], 0.5), 4),
        "estimate_p95_ms": round(_site.percentile(long[0], 0.95), 4),
        "learn_ms": round(_site.percentile(long[1], 0.5), 4),
        "learn_p95_ms": round(_site.percentile(long[1], 0.95), 4),
        "estimate_ratio": round(
            _site.percentile(long[0], 0.5) / _site.percentile(short[0], 0.5), 3
        ),
        "learn_ratio": round(_site.percentile(long[1], 0.5) / _site.percentile(short[1], 0.5), 3),
        "attempts": options["attempts"],
    }


def _measure(
    times: int, devices: list[Device], estimator: Estimator
) -> tuple[list[float], list[float]]:
    """Milliseconds of estimates and of learning, each in turn."""
    source = seeded_source(6)
    predicting, learning = [], []
    attempts = Attempt.objects.select_related("job", "device").filter(device=devices[0])
    ended = list(attempts.exclude(timings=None)[:20])
    for number in range(times):
        spec: RenderSpec = replace(
            _queue.KINDS[0].spec, width=8 * source.randrange(16, 128), steps=source.randrange(5, 60)
        )
        predicting.append(_timed(partial(estimator.estimate, spec, devices[0])))
        attempt = ended[number % len(ended)]
        timings = list(attempt.timings.values_list("stage", "seconds"))
        with transaction.atomic():
            learning.append(_timed(partial(estimator.learn, attempt, timings)))
    return predicting, learning


def _timed(function: Callable[[], object]) -> float:
    started = time.perf_counter()
    function()
    return 1000 * (time.perf_counter() - started)


def _lengthen(wanted: int, devices: list[Device]) -> None:
    """So many ended attempts more; all of one job, which an estimate never looks at."""
    job = Job.objects.filter(status="completed")[0]
    numbers, now = count(1000), timezone.now()
    for start in range(0, wanted, AT_ONCE):
        Attempt.objects.bulk_create(
            Attempt(
                job=job,
                number=next(numbers),
                device=devices[n % len(devices)],
                device_name=devices[n % len(devices)].name,
                shape=job.shape,
                outcome=Outcome.COMPLETED,
                finished_at=now - timedelta(seconds=n),
                run_seconds=2.0,
            )
            for n in range(start, min(start + AT_ONCE, wanted))
        )
