"""Real processes beside a test: they open the test's own database and data folder."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from django.conf import settings
from django.db import connection

PATIENCE_SECONDS = 300.0
"""Long, because two cores may be shared with other work; nothing here waits when all is well."""


def environment(**more: str) -> dict[str, str]:
    """The variables of a process that works on the test's data, with quick heartbeats."""
    database = Path(settings.GENGA_HOME) / "genga.sqlite3"
    if not database.is_symlink():
        # Processes read settings of their own; there the test's database has the usual name.
        database.symlink_to(connection.settings_dict["NAME"])
    return {
        **os.environ,
        "GENGA_HEARTBEAT_SECONDS": "0.3",
        "GENGA_LEASE_SECONDS": "2",
        "OMP_NUM_THREADS": "1",
        **more,
    }


def wait_until(true: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Look until it is so; fail with `what` when it never is."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"it never happened that {what}"
        time.sleep(0.02)


class RealProcess:
    """A process on the test's data, ended with the block it is used in."""

    def __init__(self, *command: str, **variables: str) -> None:
        # Closed with the process, in __exit__.
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, *command],
            cwd=settings.BASE_DIR,
            env=environment(**variables),
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        problem: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self.kill()
        if problem is not None:
            problem.add_note(f"the process said:\n{self.said()}")
        self._log.close()

    def until(self, true: Callable[[], object], what: str) -> None:
        """Look until it is so, and fail at once when the worker ends before."""

        def true_while_it_lives() -> object:
            found = true()
            assert found or self._process.poll() is None, f"the process ended before {what}"
            return found

        wait_until(true_while_it_lives, what)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._process.kill()
        self._process.wait()

    def terminate(self) -> int:
        """Ask it to stop, as an operator would; its exit status."""
        self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """Its exit status, once it has ended by itself."""
        return self._process.wait(PATIENCE_SECONDS)

    def said(self) -> str:
        """Everything it has printed."""
        self._log.seek(0)
        return self._log.read()


class WorkerProcess(RealProcess):
    """`manage.py worker` of a device."""

    def __init__(self, device: str = "cpu:0", *options: str) -> None:
        super().__init__("manage.py", "worker", "--device", device, *options)


class WebProcess(RealProcess):
    """The web server alone, on a free port."""

    def __init__(self, **variables: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.address = f"http://127.0.0.1:{self.port}"
        server = ("-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port))
        super().__init__(*server, "studio.asgi:application", **variables)

    def answers(self) -> bool:
        """Whether it answers."""
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=2):
                return True
        except OSError:
            return False
