"""Latency from a submit to its claim by an idle worker.

After an idle period, a render is submitted over HTTP. The result is the time from the response to
the claim, as recorded in the database. A claim before the response counts as 0.
"""

import json
import time
import urllib.request
from argparse import ArgumentParser
from collections.abc import Callable
from statistics import median
from typing import Any

from generation.bench import _site
from generation.models import Attempt, Job

HELP = "time from the answer of a submit to the worker's claim, after idling"
ISOLATED = True


def add_arguments(parser: ArgumentParser) -> None:
    """Options: number of submits, and the idle time before each."""
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--idle", type=float, default=30.0, help="seconds before each submit")
    parser.add_argument("--port", type=int, default=8329)


def run(options: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Run the benchmark; results are in milliseconds."""
    _site.prepare()
    waits = []
    with _site.web(options["port"]) as address, _site.worker():
        _submit(address)
        for _ in range(options["times"]):
            time.sleep(options["idle"])
            job_id, answered = _submit(address)
            attempt = Attempt.objects.get(job_id=job_id)
            waits.append(max(0.0, 1000 * (attempt.started_at.timestamp() - answered)))
    say(f"milliseconds from response to claim, {len(waits)} times, {options['idle']:g} s idle each")
    for name, value in _figures(waits).items():
        say(f"  {name:<8} {value:8.2f}")
    return {**_figures(waits), "times": len(waits), "idle_s": options["idle"]}


def _figures(waits: list[float]) -> dict[str, float]:
    return {
        "p50_ms": round(median(waits), 2),
        "p90_ms": round(_site.percentile(waits, 0.90), 2),
        "p99_ms": round(_site.percentile(waits, 0.99), 2),
    }


def _submit(address: str) -> tuple[str, float]:
    """Submit a small render and wait for its end; return its id and the time of the response."""
    body = {"type": "image", "prompt": "pickup", "width": 128, "height": 128, "steps": 1}
    request = urllib.request.Request(
        f"{address}/api/anime/generate",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        job_id = json.loads(answer.read())["job_id"]
    answered = time.time()
    _site.wait_until_ended(Job.objects.get(pk=job_id))
    return job_id, answered
