"""Slowdown of a render by many viewers.

The same render runs alternately without viewers and with many open WebSockets to the web process.
Results are the render's seconds, the number of viewers that received its end, and the messages per
viewer. On a machine without a GPU, the web process and the viewers (in this process) use the same
cores as the render; nothing else slows it down.
"""

import asyncio
import json
import time
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import suppress
from statistics import median
from typing import Any

from generation.bench import _site
from generation.models import Job

HELP = "a render with many viewers against the same render with none, interleaved"
ISOLATED = True
PROMPT = "1girl, long blue hair, night background"


def add_arguments(parser: ArgumentParser) -> None:
    """Options: number of viewers and pairs, and the steps of the render."""
    parser.add_argument("--viewers", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--port", type=int, default=8329)


def run(options: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Run the benchmark; `ratio` is the render time with viewers over that without."""
    person, card = _site.prepare()
    alone: list[float] = []
    watched: list[float] = []
    ended: list[int] = []
    messages: list[int] = []
    with _site.web(options["port"]) as address, _site.worker():
        _render(_site.submit(person, card, PROMPT, options["steps"]))
        for _ in range(options["pairs"]):
            alone.append(_render(_site.submit(person, card, PROMPT, options["steps"])))
            job = _site.submit(person, card, PROMPT, options["steps"])
            received = asyncio.run(_watch(address, job, options["viewers"]))
            watched.append(_render(job))
            ended.append(sum(last == "completed" for last, _ in received))
            messages.append(sum(count for _, count in received))
    ratios = [with_viewers / without for with_viewers, without in zip(watched, alone, strict=True)]
    say(f"render seconds over {len(alone)} pairs, median (middle half)")
    say(f"  no viewer                  {_site.spread(alone)}")
    say(f"  {options['viewers']:>4} viewers               {_site.spread(watched)}")
    say(f"  ratio                      {_site.spread(ratios)}")
    say(f"viewers that saw the end: {min(ended)} of {options['viewers']} in the worst run")
    return {
        "ratio": round(median(ratios), 4),
        "viewers": options["viewers"],
        "saw_the_end": min(ended),
        "messages_per_viewer": round(median(messages) / options["viewers"], 1),
    }


def _render(job: Job) -> float:
    """Seconds from the claim to the end."""
    ended = _site.wait_until_ended(job)
    if ended.started_at is None or ended.finished_at is None:
        raise RuntimeError("the job has not run")
    return (ended.finished_at - ended.started_at).total_seconds()


async def _watch(address: str, job: Job, viewers: int) -> list[tuple[str, int]]:
    """Follow the job to its end; return each viewer's last status and message count."""
    url = f"{address.replace('http', 'ws', 1)}/ws/jobs/{job.pk}/"
    return list(await asyncio.gather(*(_follow(url) for _ in range(viewers))))


async def _follow(url: str) -> tuple[str, int]:
    import websockets

    last, count = "", 0
    until = time.monotonic() + _site.RENDER_SECONDS
    with suppress(websockets.ConnectionClosed):
        async with websockets.connect(url, open_timeout=60) as socket:
            while last not in ("completed", "failed") and time.monotonic() < until:
                message = json.loads(await asyncio.wait_for(socket.recv(), 60))
                last, count = message["status"], count + 1
    return last, count
