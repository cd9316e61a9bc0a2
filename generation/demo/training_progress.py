"""The progress line of a training stage: step, loss and time left."""

from __future__ import annotations

import sys
import time
from collections import deque


class Progress:
    """Prints the progress of a loop of known length, at most every ten seconds."""

    def __init__(self, stage: str, total: int, done: int = 0, interval: float = 10.0) -> None:
        self.stage = stage
        self.total = total
        self.first = done
        self.interval = interval
        self.started = time.monotonic()
        self.printed = self.started
        self.losses: deque[float] = deque(maxlen=50)

    @property
    def mean(self) -> float:
        """Mean loss of the last 50 steps; NaN before the first."""
        return sum(self.losses) / len(self.losses) if self.losses else float("nan")

    def report(self, done: int, loss: float) -> None:
        """Record the loss of the latest step, ``done`` being the number of steps so far."""
        self.losses.append(loss)
        now = time.monotonic()
        if now - self.printed < self.interval and done < self.total:
            return
        self.printed = now
        left = (now - self.started) / max(done - self.first, 1) * (self.total - done)
        line = f"{self.stage} {done}/{self.total} loss {self.mean:.4f} left {left / 60:.1f} min"
        print(line, file=sys.stderr, flush=True)
