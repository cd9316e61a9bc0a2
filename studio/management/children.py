"""The processes of `manage.py up`: one web server, and a worker for each device."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass

from django.conf import settings

from studio.management.backoff import Backoff, Patience
from studio.management.memory_kills import MemoryKills


@dataclass(frozen=True, slots=True)
class End:
    """One end of a process. `at` is a time of the monotonic clock, `ran` are seconds.

    `status` is the exit status, or minus the number of the signal that ended it. `for_memory` is
    True when the kernel has just ended a process because memory ran out, by the same signal.
    """

    at: float
    ran: float
    pid: int
    status: int
    for_memory: bool

    @property
    def signal(self) -> str:
        """The name of the signal that ended it, such as SIGKILL; empty when it ended by itself."""
        if self.status >= 0:
            return ""
        try:
            return signal.Signals(-self.status).name
        except ValueError:
            return f"signal {-self.status}"


class Child:
    """A process that is started again after each end, a while later. `name` is for people."""

    def __init__(self, name: str, arguments: list[str], patience: Patience) -> None:
        self.name = name
        self.arguments = arguments
        self.has_begun = False
        """True once it has done what it is there for: answered a request, registered a device."""
        self.ends: list[End] = []
        self.backoff = Backoff(patience)
        self.pid = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = 0.0
        self._due = 0.0

    @property
    def runs(self) -> bool:
        """Whether it was started and its end was not seen yet."""
        return self._process is not None

    @property
    def is_due(self) -> bool:
        """Whether it is to be started now."""
        return self._process is None and time.monotonic() >= self._due

    def start(self) -> None:
        """Start it in a session of its own, with the settings of this process.

        A Ctrl-C in the terminal then reaches only this process, which stops the others in order.
        """
        env = {**os.environ, "DJANGO_SETTINGS_MODULE": "studio.settings"}
        self._process = subprocess.Popen(
            [sys.executable, *self.arguments],
            cwd=settings.BASE_DIR,
            env=env,
            start_new_session=True,
        )
        self.pid = self._process.pid
        self._started_at = time.monotonic()

    def wait(self, seconds: float) -> None:
        """Let it be due in so many seconds."""
        self._due = time.monotonic() + seconds

    def ended(self, kills: MemoryKills) -> End | None:
        """Its end, told once; None while it runs or waits."""
        status = None if self._process is None else self._process.poll()
        if status is None:
            return None
        now = time.monotonic()
        for_memory = status == -signal.SIGKILL and kills.rose
        end = End(now, now - self._started_at, self.pid, status, for_memory)
        self._process = None
        self.ends.append(end)
        return end

    def terminate(self) -> None:
        """Ask it to end, if it runs."""
        if self._process is not None:
            self._process.terminate()

    def join(self, seconds: float) -> None:
        """Wait until it has ended, and kill it if that takes longer."""
        if self._process is None:
            return
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class WorkerChild(Child):
    """The worker of a device; `asked` is the device's name on the command line, or empty."""

    def __init__(self, asked: str, arguments: list[str], patience: Patience) -> None:
        super().__init__(f"worker of {asked}" if asked else "worker", arguments, patience)
        self.asked = asked
        self.device_id: int | None = None
        """The row that one of its processes registered."""
