"""Is what `finish_within` promises kept, and is the best chosen that it allows?

Over HTTP, on a machine that is busy: other renders wait in the queue and another program wants a
core now and then. First renders of every quality teach. Then each request names a random limit;
asked is whether it was done in time, from its submit to its end. What would have fit is told
afterwards, from the wait and the speed that the job really met: of the three qualities the best
whose steps would have been done in time. Limits that even the chosen quickest way cannot meet, by
the answer's own word, are counted apart.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from generation.bench import _site
from generation.demo.portraits import seeded_source
from generation.models import Job, ModelCard
from generation.specs import Quality

HELP = "whether finish_within is met, and how near the best quality that would have fit"
ISOLATED = True
QUALITIES: Final = (Quality.DRAFT, Quality.STANDARD, Quality.FINAL)
TEACHING: Final = 4
"""Renders of each quality before the first limit."""
AHEAD: Final = 3
"""Renders of others that wait before a request, at most."""
BUSY: Final = "while True: pass"
BUSY_EVERY: Final = 20
"""Requests after which the other program comes or goes."""
SMALL: Final = {"width": 128, "height": 128}


def add_arguments(parser: ArgumentParser) -> None:
    """How many requests."""
    parser.add_argument("--jobs", type=int, default=100)
    parser.add_argument("--shortest", type=float, default=0.8, help="of the limits, seconds")
    parser.add_argument("--longest", type=float, default=8.0)
    parser.add_argument("--port", type=int, default=8330)


@dataclass(frozen=True, slots=True)
class _Asked:
    """One request: its limit, what was promised and chosen, and what came of it, in seconds."""

    limit: float
    promised: bool
    quality: Quality
    took: float
    best: Quality

    @property
    def met(self) -> bool:
        return self.took <= self.limit

    @property
    def notches(self) -> int:
        """How many qualities below the best that would have fit; negative above it."""
        return QUALITIES.index(self.best) - QUALITIES.index(self.quality)


def run(options: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Measure; shares of the requests."""
    _, card = _site.prepare()
    source, asked = seeded_source(8), []
    busy: subprocess.Popen[bytes] | None = None
    with _site.web(options["port"]) as address, _site.worker():
        for quality in (*QUALITIES,) * TEACHING:
            _end(_submit(address, quality=quality.value, **SMALL))
        for number in range(options["jobs"]):
            if number % BUSY_EVERY == BUSY_EVERY // 2:
                busy = _switch(busy)
            for _ in range(source.randrange(AHEAD + 1)):
                _submit(address, quality="draft", **SMALL)
            limit = source.uniform(options["shortest"], options["longest"])
            asked.append(_ask(address, limit, card))
    if busy is not None:
        busy.kill()
    return _figures(asked, say)


def _switch(busy: subprocess.Popen[bytes] | None) -> subprocess.Popen[bytes] | None:
    """Let the other program come, or go."""
    if busy is None:
        return subprocess.Popen([sys.executable, "-c", BUSY])
    busy.kill()
    busy.wait()
    return None


def _ask(address: str, limit: float, card: ModelCard) -> _Asked:
    answer = _submit(address, finish_within=limit, **SMALL)
    job = _end(answer)
    if job.started_at is None or job.finished_at is None:
        raise RuntimeError(f"job {job.pk} has ended without a start")
    waited = (job.started_at - job.submitted_at).total_seconds()
    ran = (job.finished_at - job.started_at).total_seconds()
    a_step = ran / job.spec.denoising_steps
    fitting = [one for one in QUALITIES if waited + a_step * card.steps_for(one) <= limit]
    return _Asked(
        limit,
        "Nothing fits" not in answer["message"],
        Quality(job.quality),
        waited + ran,
        fitting[-1] if fitting else QUALITIES[0],
    )


def _figures(asked: list[_Asked], say: Callable[[str], None]) -> dict[str, Any]:
    promised = [one for one in asked if one.promised]
    met = sum(one.met for one in promised) / max(1, len(promised))
    near = sum(abs(one.notches) <= 1 for one in promised) / max(1, len(promised))
    say(f"{len(asked)} requests, {len(promised)} with a promise")
    say(f"  kept                         {100 * met:6.1f} %")
    say(f"  within one notch of the best {100 * near:6.1f} %")
    for quality in QUALITIES:
        chosen = [one for one in promised if one.quality == quality]
        say(
            f"  {quality.value:<10} chosen {len(chosen):4} times, kept {sum(o.met for o in chosen)}"
        )
    return {
        "met": round(met, 4),
        "within_a_notch": round(near, 4),
        "promised": len(promised),
        "refused_but_met": sum(one.met for one in asked if not one.promised),
        "jobs": len(asked),
    }


def _submit(address: str, **body: Any) -> dict[str, Any]:
    """Submit a picture; the answer."""
    request = urllib.request.Request(
        f"{address}/api/anime/generate",
        json.dumps({"type": "image", "prompt": "1girl, smiling", **body}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        found: dict[str, Any] = json.loads(answer.read())
        return found


def _end(answer: dict[str, Any]) -> Job:
    """The job of an answer once it has ended, and whatever waited before it too."""
    return _site.wait_until_ended(Job.objects.get(pk=answer["job_id"]))
