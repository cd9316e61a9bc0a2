"""One claiming process of the `claim` benchmark. Arguments: device, file and hold seconds.

Until SIGTERM, it claims a job for the device, writes the milliseconds to the file, holds the job
for the given seconds and completes it. It is a separate module because the other parts of the
benchmark take seconds to import.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import django


def main(name: str, ledger: Path, hold: float) -> None:
    """Claim until SIGTERM. Each claim writes a line: milliseconds, and whether it found a job."""
    from generation.estimating.estimator import Estimator
    from generation.live import events
    from generation.models import Device
    from generation.queue import lifecycle
    from generation.queue.timings import Timing
    from generation.scheduling.claim import claim
    from generation.states import Stage

    # Completed jobs have timings, after which the claim must read the learned speeds again.
    timings = {stage: Timing(0.1) for stage in (Stage.ENCODE, Stage.DENOISE)}
    estimator = Estimator()
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    device = Device.objects.get(name=name)
    with ledger.open("a", buffering=1) as lines:
        while not stopped:
            device.refresh_from_db()
            started = time.perf_counter()
            attempt = claim(device, estimator)
            milliseconds = 1000 * (time.perf_counter() - started)
            lines.write(f"{milliseconds:.3f} {attempt is not None}\n")
            if attempt is None:
                time.sleep(0.01)
            else:
                time.sleep(hold)
                lifecycle.complete(attempt, [], timings, estimator.learn)
    events.drain()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "studio.settings")
    django.setup()
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
