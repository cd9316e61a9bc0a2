"""Eight processes claim the same jobs: every job is claimed exactly once."""

import subprocess
import sys
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from generation.models import Attempt, Device, Job, JobEvent
from generation.states import Outcome, Priority, Status
from tests.generation.processes import environment, wait_until

JOBS = 200
RACERS = 8


@pytest.mark.django_db(transaction=True)
def test_eight_processes_claim_every_job_exactly_once(
    submit: Callable[..., Job], tmp_path: Path
) -> None:
    waiting = {str(submit(Priority(number % 4), seed=number).pk) for number in range(JOBS)}
    names = [f"cpu:{number}" for number in range(RACERS)]
    for name in names:
        Device.objects.create(name=name, works=["preview", "image"], heartbeat_at=timezone.now())
    start_sign = tmp_path / "go"
    ready_signs = [tmp_path / name for name in names]

    racers = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.generation.scheduling.claiming",
                name,
                str(start_sign),
                str(ready_sign),
            ],
            cwd=settings.BASE_DIR,
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        for name, ready_sign in zip(names, ready_signs, strict=True)
    ]
    try:
        wait_until(lambda: all(sign.exists() for sign in ready_signs), "all racers are ready")
        start_sign.touch()
        claimed = [racer.communicate(timeout=60)[0].split() for racer in racers]
    finally:
        for racer in racers:
            racer.kill()
            racer.wait()

    assert all(racer.returncode == 0 for racer in racers)
    assert sorted(chain.from_iterable(claimed)) == sorted(waiting), (
        "each job once, none twice, none left"
    )
    assert sum(bool(mine) for mine in claimed) > 1, "it was a race"
    assert Job.objects.filter(status=Status.PROCESSING, attempt_number=1).count() == JOBS
    assert Attempt.objects.filter(outcome=Outcome.RUNNING).count() == JOBS
    assert JobEvent.objects.count() == 2 * JOBS
    for name, mine in zip(names, claimed, strict=True):
        assert {str(job.pk) for job in Job.objects.filter(device__name=name)} == set(mine)
