"""Shared by benchmarks of the whole system: a temporary data folder and real processes."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import IO, Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command

from generation.library.register import register
from generation.models import Device, Job, ModelCard
from generation.queue import lifecycle
from generation.specs import RenderSpec

START_SECONDS = 120
RENDER_SECONDS = 600
POLL_SECONDS = 0.1
"""Long enough not to slow the render down; times are read from the job's row."""
TOON = Path(settings.BASE_DIR) / "fixtures" / "models" / "toon"


def prepare() -> tuple[User, ModelCard]:
    """Create the tables, a user and the demo model in the temporary data folder."""
    call_command("migrate", verbosity=0)
    person, _ = User.objects.get_or_create(username=settings.GENGA_LOCAL_USER)
    return person, register(TOON, "toon", is_default=True)


@contextmanager
def worker(device: str = "cpu:0", log: IO[str] | None = None) -> Iterator[Device]:
    """Run a worker process with its output in `log`; yield its device once it is online.

    When the benchmark fails, `log` is written to stderr.
    """
    try:
        with _process(["manage.py", "worker", "--device", device], log) as process:
            until = time.monotonic() + START_SECONDS
            while not Device.objects.online().filter(name=device).exists():
                _check(process, until)
            yield Device.objects.get(name=device)
    except Exception:
        if log is not None:
            log.seek(0)
            sys.stderr.write(log.read())
        raise


def wait_until_online(device: str) -> None:
    """Until the device's worker was heard of. Raises TimeoutError."""
    until = time.monotonic() + START_SECONDS
    while not Device.objects.online().filter(name=device).exists():
        if time.monotonic() > until:
            raise TimeoutError(f"the worker of {device} is silent")
        time.sleep(POLL_SECONDS)


@contextmanager
def web(port: int) -> Iterator[str]:
    """Run a web server on loopback; yield its address."""
    command = ["-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "--verbosity", "0"]
    address = f"http://127.0.0.1:{port}"
    with _process([*command, "studio.asgi:application"]) as process:
        until = time.monotonic() + START_SECONDS
        while not _answers(address):
            _check(process, until)
        yield address


def submit(person: User, card: ModelCard, prompt: str, steps: int, seed: int = 1) -> Job:
    """Submit a render with the model's default size and guidance."""
    spec = spec_of(card, prompt, steps, seed)
    return lifecycle.submit(spec, owner=person, model=card)


def spec_of(card: ModelCard, prompt: str, steps: int, seed: int) -> RenderSpec:
    """The spec of a picture with the model's default size and guidance."""
    return RenderSpec(
        type="image",
        model=card.slug,
        prompt=prompt,
        quality="standard",
        width=card.width,
        height=card.height,
        steps=steps,
        guidance=card.guidance,
        seed=seed,
    )


def wait_until_ended(
    job: Job, patience: float = RENDER_SECONDS, every: float = POLL_SECONDS
) -> Job:
    """Wait for the end of a job. Raises TimeoutError, and RuntimeError if it failed.

    The job is read `every` so many seconds, in processor time that the worker may want.
    """
    until = time.monotonic() + patience
    while time.monotonic() < until:
        job.refresh_from_db()
        if job.state.ended:
            if job.error_code:
                raise RuntimeError(f"{job.error_code}: {job.error_message}")
            return job
        time.sleep(every)
    raise TimeoutError(f"job {job.pk} did not end within {patience} s")


def percentile(values: Sequence[float], share: float) -> float:
    """The percentile `share` (0 to 1) of the values, without interpolation."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(values: Sequence[float]) -> str:
    """Median and quartiles, for tables."""
    low, high = percentile(values, 0.25), percentile(values, 0.75)
    return f"{median(values):8.4f}   ({low:.4f} to {high:.4f})"


@contextmanager
def _process(command: list[str], log: IO[str] | None = None) -> Iterator["subprocess.Popen[bytes]"]:
    environment: dict[str, Any] = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "studio.settings",
        # A calibration would run beside what is measured.
        "GENGA_CALIBRATE": "0",
    }
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=settings.BASE_DIR,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=log,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def _check(process: "subprocess.Popen[bytes]", until: float) -> None:
    if process.poll() is not None or time.monotonic() > until:
        raise RuntimeError("a process of the benchmark did not start; see its output above")
    time.sleep(0.1)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
