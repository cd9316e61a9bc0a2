"""One claiming process of the `claim` benchmark, started with a device, a file and seconds.

It claims for the device, writes down the milliseconds, holds the job so long, ends it
and claims again, until SIGTERM.
A process of its own module, because a benchmark's other parts take seconds to import.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import django


def main(name: str, ledger: Path, hold: float) -> None:
    """Claim until told to stop. A line for each claim: milliseconds, and whether it found a job."""
    from generation.estimating.estimator import Estimator
    from generation.live import events
    from generation.models import Device
    from generation.queue import lifecycle
    from generation.queue.timings import Timing
    from generation.scheduling.claim import claim
    from generation.states import Stage

    # A job that ends leaves some, and with them estimates have to be read anew.
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
