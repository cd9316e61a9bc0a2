"""A process that claims jobs until none are left; test_claim_race starts several."""

import os
import sys
import time
from pathlib import Path

import django


def claim_everything(device_name: str, start_sign: Path, ready_sign: Path) -> None:
    """Wait for the other processes, then claim jobs; print the id of each claimed job."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
    django.setup()
    from generation.estimating.estimator import Estimator
    from generation.models import Device
    from generation.scheduling.claim import claim

    estimator = Estimator()
    device = Device.objects.get(name=device_name)
    ready_sign.touch()
    while not start_sign.exists():
        time.sleep(0.005)
    while (attempt := claim(device, estimator)) is not None:
        print(attempt.job_id)


if __name__ == "__main__":
    claim_everything(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
