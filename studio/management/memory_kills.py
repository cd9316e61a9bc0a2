"""Whether the kernel has just ended a process because memory ran out, as far as it tells."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path

LATELY_SECONDS = 10.0

CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")
WHOLE_MACHINE = Path("/proc/vmstat")


class MemoryKills:
    """What the kernel has counted lately: for this process's control group, or for the machine."""

    def __init__(self) -> None:
        self._counts: deque[tuple[float, int]] = deque()
        self.look()

    def look(self) -> None:
        """Note the count of this moment; call this often."""
        now = time.monotonic()
        while self._counts and now - self._counts[0][0] > LATELY_SECONDS:
            self._counts.popleft()
        self._counts.append((now, count()))

    @property
    def rose(self) -> bool:
        """Whether the count rose within the last seconds."""
        return count() > self._counts[0][1]


def count() -> int:
    """How many processes the kernel has ended because memory ran out; 0 if it does not tell."""
    for path in (_own_events(), WHOLE_MACHINE):
        try:
            counted = dict(line.split() for line in path.read_text().splitlines())
        except OSError:
            continue
        return int(counted.get("oom_kill", 0))
    return 0


def _own_events() -> Path:
    """The events of this process's group in version 2 of control groups; they may not exist."""
    try:
        lines = OWN_CGROUP.read_text().splitlines()
    except OSError:
        lines = []
    own = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), "")
    return CGROUPS / own / "memory.events"
