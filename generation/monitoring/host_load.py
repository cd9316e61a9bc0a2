"""The load of other processes on the host, sampled while a render runs.

The load is the number of other runnable threads, not the CPU time that they get: when all compete
for the same cores, their CPU time falls although the render is slowed down as much. Where the
number of runnable threads is not available, the number of cores that others use is taken instead.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

import psutil

SAMPLE_SECONDS = 0.25
FADE_SECONDS = 2.0
"""Time constant of the moving average: the weight of a sample falls to 1/e in this time."""

_RUNNABLE = b"procs_running "


class HostLoad:
    """Other work on this host in runnable threads per core, as a moving average (`now`)."""

    def __init__(self) -> None:
        self.now = 0.0
        self._stop = threading.Event()
        self._total = 0.0
        self._samples = 0
        self._process = psutil.Process()
        self._cores = os.cpu_count() or 1
        self._thread = threading.Thread(target=self._run, name="host-load", daemon=True)

    def start(self) -> None:
        """Start the sampling thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the sampling thread and wait for it."""
        self._stop.set()
        self._thread.join()

    def begin(self) -> tuple[float, int]:
        """A mark for `since`, taken at the start of an attempt."""
        return self._total, self._samples

    def since(self, mark: tuple[float, int]) -> float:
        """The mean load since a mark; the present load if no sample was taken since."""
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
        """The number of runnable threads of other processes."""
        try:
            stat = Path("/proc/stat").read_bytes()
            runnable = int(stat.split(_RUNNABLE, 1)[1].split(None, 1)[0])
        except (OSError, IndexError, ValueError):
            return self._cores_of_others()
        return max(0.0, runnable - _own_runnable())

    def _cores_of_others(self) -> float:
        used = psutil.cpu_percent() / 100 * self._cores
        return max(0.0, used - self._process.cpu_percent() / 100)


def _own_runnable() -> int:
    """The number of runnable threads of this process, including the calling one."""
    count = 0
    for task in os.scandir("/proc/self/task"):
        try:
            stat = Path(task.path, "stat").read_bytes()
        except OSError:
            continue
        count += stat.rpartition(b") ")[2][:1] == b"R"
    return count
