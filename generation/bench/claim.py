"""Speed of a claim among a hundred thousand waiting jobs, and its safety against killed workers.

There are eight devices of three types. One process claims for one device, first with all other
devices offline, then with all online, so that each claim considers eight devices. Then processes
for all devices claim at once; each completes a job before it claims the next. In the last part,
processes are killed at random times and started again; the jobs of a killed one return to the queue
when their leases expire. At the end all interrupted jobs are completed, and the events of all jobs
are read. A job that was claimed while it was claimed is a duplicate; a job that is neither waiting
nor completed is lost. A job whose claimers were killed three times fails by the engine's rule; such
jobs are counted separately.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Final

from django.conf import settings
from django.db.models import Q

from generation.bench import _queue, _site
from generation.demo.portraits import seeded_source
from generation.errors import WorkerLost
from generation.live.events import EventKind
from generation.models import Attempt, Device, Job, JobEvent
from generation.queue import recovery
from generation.states import Outcome, Status

HELP = "claims among 100,000 waiting jobs, by one process, by eight, and by eight that are killed"
ISOLATED = True
LEASE_SECONDS: Final = "2"
SETTLE_SECONDS: Final = 60.0
HOLD_SECONDS: Final = 0.3
"""How long claimers hold a job in the last part, so that most hold one when killed."""
GIVEN_UP: Final = Q(status=Status.FAILED, error_code=WorkerLost.code)
KILL_EVERY: Final = 0.4
"""Seconds between two kills, on average."""


def add_arguments(parser: ArgumentParser) -> None:
    """Options: number of jobs, durations and kills."""
    parser.add_argument("--jobs", type=int, default=100_000)
    parser.add_argument("--seconds", type=float, default=20.0, help="of the first two parts")
    parser.add_argument("--claimers", type=int, default=8)
    parser.add_argument("--kills", type=int, default=30)


def run(options: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Run the benchmark. Claims per second include the completion of the jobs."""
    people, cards = _queue.prepare()
    devices = _queue.park()[: options["claimers"]]
    _queue.add_history(people, cards, devices)
    _queue.fill(people, cards, options["jobs"])
    with _alone(devices[0]):
        alone = _measure(devices[:1], options["seconds"])
    one = _measure(devices[:1], options["seconds"])
    eight = _measure(devices, options["seconds"])
    kills = _kill(devices, options["kills"])
    figures = _figures(alone, one, eight, options["seconds"])
    taken_back = Attempt.objects.filter(outcome=Outcome.LOST).count()
    say(f"claims among {options['jobs']} waiting jobs, milliseconds, median (middle half)")
    for name, taken in (
        ("one, others offline", alone),
        ("one, others online", one),
        ("all together", eight),
    ):
        each = len(taken) / options["seconds"]
        say(f"  {name:<24}{_site.spread(taken)}   {each:8.1f} a second")
    say(f"  {kills} claimers killed, {taken_back} jobs returned to the queue")
    return {
        **figures,
        "duplicates": _duplicates(),
        "lost": _lost(),
        "given_up": Job.objects.filter(GIVEN_UP).count(),
        "kills": kills,
        "taken_back": taken_back,
        "jobs": options["jobs"],
    }


@contextmanager
def _alone(device: Device) -> Iterator[None]:
    """Set all other devices offline for the duration of the context."""
    others = Device.objects.exclude(pk=device.pk)
    heartbeat_at = device.heartbeat_at
    others.update(heartbeat_at=None)
    try:
        yield
    finally:
        others.update(heartbeat_at=heartbeat_at)


def _figures(
    alone: list[float], one: list[float], eight: list[float], seconds: float
) -> dict[str, float]:
    return {
        "claims_per_s": round(len(eight) / seconds, 1),
        "claims_per_s_1": round(len(one) / seconds, 1),
        "claims_per_s_alone": round(len(alone) / seconds, 1),
        "median_ms": round(median(one), 2),
        "median_ms_alone": round(median(alone), 2),
        "p95_ms_alone": round(_site.percentile(alone, 0.95), 2),
        "p95_ms": round(_site.percentile(one, 0.95), 2),
        "p95_ms_8": round(_site.percentile(eight, 0.95), 2),
    }


def _measure(devices: list[Device], seconds: float) -> list[float]:
    """Milliseconds of all claims for these devices in that time, after all processes started."""
    with TemporaryDirectory() as folder, _claimers(devices, Path(folder)) as ledgers:
        begun = [_length(ledger) for ledger in ledgers]
        time.sleep(seconds)
        ended = [_length(ledger) for ledger in ledgers]
        lines = [
            line.split()
            for ledger, first, last in zip(ledgers, begun, ended, strict=True)
            for line in ledger.read_text().splitlines()[first:last]
        ]
    return [float(taken) for taken, found in lines if found == "True"]


def _length(ledger: Path) -> int:
    return ledger.read_text().count("\n")


@contextmanager
def _claimers(devices: list[Device], folder: Path) -> Iterator[list[Path]]:
    """Run a claiming process for each device; yield the files of their claims."""
    ledgers = [folder / str(device.pk) for device in devices]
    processes = [_start(device, ledger) for device, ledger in zip(devices, ledgers, strict=True)]
    try:
        _wait_until(lambda: all(ledger.exists() and _length(ledger) for ledger in ledgers))
        yield ledgers
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(_site.START_SECONDS)


def _kill(devices: list[Device], wanted: int) -> int:
    """Kill random claimers at random times, and restart each. Returns the number of kills."""
    source, kills = seeded_source(4), 0
    with TemporaryDirectory() as name:
        folder = Path(name)
        alive = {
            device: _start(device, folder / str(device.pk), HOLD_SECONDS) for device in devices
        }
        try:
            while kills < wanted:
                time.sleep(source.expovariate(1 / KILL_EVERY))
                recovery.sweep_leases()
                device = source.choice(devices)
                # A process that is still starting has not claimed any job.
                if (folder / str(device.pk)).exists():
                    alive[device].kill()
                    alive[device].wait()
                    kills += 1
                    (folder / str(device.pk)).unlink()
                    alive[device] = _start(device, folder / str(device.pk), HOLD_SECONDS)
            # The leases of the killed processes must expire first.
            time.sleep(float(LEASE_SECONDS))
            _wait_until(_is_settled)
        finally:
            for process in alive.values():
                process.terminate()
            for process in alive.values():
                process.wait(_site.START_SECONDS)
    return kills


def _is_settled() -> bool:
    """Whether all jobs of killed claimers were completed by others or given up."""
    recovery.sweep_leases()
    touched = Job.objects.filter(attempts__outcome=Outcome.LOST)
    return not touched.exclude(status=Status.COMPLETED).exclude(GIVEN_UP).exists()


def _duplicates() -> int:
    """The number of claims of jobs that were claimed already, from the jobs' events."""
    count = 0
    kinds = JobEvent.objects.filter(
        kind__in=[EventKind.CLAIMED, EventKind.LOST, EventKind.COMPLETED]
    ).order_by("job", "sequence")
    for _, events in groupby(kinds.values_list("job", "kind"), key=lambda event: event[0]):
        held = False
        for _, kind in events:
            count += held and kind == EventKind.CLAIMED
            held = kind == EventKind.CLAIMED
    return count


def _lost() -> int:
    """The number of jobs that are neither waiting, completed nor given up."""
    known = Q(status__in=[Status.QUEUED, Status.COMPLETED]) | GIVEN_UP
    return Job.objects.exclude(known).count()


def _start(device: Device, ledger: Path, hold: float = 0.0) -> subprocess.Popen[bytes]:
    command = ["-m", "generation.bench._claimer", device.name, str(ledger), str(hold)]
    return subprocess.Popen(
        [sys.executable, *command],
        cwd=settings.BASE_DIR,
        env={**os.environ, "GENGA_LEASE_SECONDS": LEASE_SECONDS},
        stdout=subprocess.DEVNULL,
    )


def _wait_until(done: Callable[[], bool]) -> None:
    until = time.monotonic() + SETTLE_SECONDS
    while not done():
        if time.monotonic() > until:
            raise RuntimeError("the claiming processes did not finish in time; see above")
        time.sleep(0.1)
