"""How busy the host is with other work than ours, sampled beside a render.

What slows a render down is how many other threads want a core, and not how much of one they get
while they share it: that would look like less the harder both sides work. Where the system does
not tell what is runnable, the cores that others use are taken instead.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.25
FADE_SECONDS = 2.0
"""A sample counts a third of itself after this time."""

_RUNNABLE = b"procs_running "


class HostLoad:
    """Other work on this host as runnable threads for each core, faded over a few seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self._stop = threading.Event()
        self._total = 0.0
        self._samples = 0
        self._process = psutil.Process()
        self._cores = os.cpu_count() or 1
        self._thread = threading.Thread(target=self._run, name="host-load", daemon=True)

    def start(self) -> None:
        """Sample from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Sample no more."""
        self._stop.set()
        self._thread.join()

    def begin(self) -> tuple[float, int]:
        """A mark to measure an attempt's own mean from."""
        return self._total, self._samples

    def since(self, mark: tuple[float, int]) -> float:
        """The mean load since a mark; the present one when no sample was taken since."""
        total, samples = mark
        taken = self._samples - samples
        return (self._total - total) / taken if taken else self.now

    def _run(self) -> None:
        fade = SAMPLE_SECONDS / FADE_SECONDS
        while not self._stop.wait(SAMPLE_SECONDS):
            load = self._sample() / self._cores
            self._total += load
            self._samples += 1
            self.now += fade * (load - self.now)

    def _sample(self) -> float:
        """Threads of others that want a core at this moment."""
        try:
            stat = Path("/proc/stat").read_bytes()
            wanting = int(stat.split(_RUNNABLE, 1)[1].split(None, 1)[0])
        except (OSError, IndexError, ValueError):
            return self._cores_of_others()
        return max(0.0, wanting - _own_runnable())

    def _cores_of_others(self) -> float:
        used = psutil.cpu_percent() / 100 * self._cores
        return max(0.0, used - self._process.cpu_percent() / 100)


def _own_runnable() -> int:
    """Threads of this process that run or want to; the one that asks is among them."""
    count = 0
    for task in os.scandir("/proc/self/task"):
        try:
            stat = Path(task.path, "stat").read_bytes()
        except OSError:
            continue
        count += stat.rpartition(b") ")[2][:1] == b"R"
    return count
