"""The real thing beside a test: `manage.py up` with its web server, its worker and its sockets."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
import psutil
from websockets.sync.client import ClientConnection, connect

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE_SECONDS = 120.0
"""Long, because two cores may be shared with other work; nothing here waits when all is well."""

START_SECONDS = 180.0
"""Longer than `up` itself waits for its workers: they import torch at the same time."""

STOP_SECONDS = 20.0
"""How long `up` may take to end everything."""


class Genga:
    """One data folder and, while it is started, the processes of `manage.py up` on it."""

    def __init__(self, home: Path, *devices: str, **settings: str) -> None:
        self.home = home
        self._devices = [word for device in devices for word in ("--device", device)]
        self._settings = settings
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._log = (home / "up.log").open("w+")
        self._process: subprocess.Popen[bytes] | None = None
        self._children: list[psutil.Process] = []

    def __enter__(self) -> Genga:
        try:
            self.start()
        except BaseException as problem:
            problem.add_note(f"up said:\n{self.said()}")
            self._kill()
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        problem: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if problem is not None:
            problem.add_note(f"up said:\n{self.said()}")
        if self._process is not None and self._process.poll() is None:
            self.stop()
        self._kill()
        self._log.close()

    def start(self) -> None:
        """Returns when it says that it is ready."""
        before = self.said()
        self._process = subprocess.Popen(
            [sys.executable, "manage.py", "up", *self._devices],
            cwd=ROOT,
            env=self._environment(),
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        wait_until(
            lambda: "Genga is ready" in self.said()[len(before) :] or self._ended(),
            "Genga is ready",
            START_SECONDS,
        )
        assert not self._ended(), self.said()
        self.look()

    def look(self) -> None:
        """Look which processes `up` has by now."""
        assert self._process is not None
        self._children = psutil.Process(self._process.pid).children(recursive=True)

    def stop(self) -> int:
        """Ctrl-C; the exit status. Fails when it takes longer than it may."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(STOP_SECONDS)

    def wait(self) -> int:
        """The exit status, once it has ended by itself."""
        assert self._process is not None
        return self._process.wait(PATIENCE_SECONDS)

    def worker(self) -> psutil.Process:
        """The worker's process."""
        (worker,) = (child for child in self._children if "worker" in child.cmdline())
        return worker

    def child(self, word: str) -> psutil.Process | None:
        """The process that has this word in its command line; None while there is none."""
        self.look()
        for child in self._children:
            with suppress(psutil.Error):
                if word in child.cmdline():
                    return child
        return None

    def living_children(self) -> list[psutil.Process]:
        """The web server and workers that have not ended."""
        return [child for child in self._children if child.is_running()]

    def said(self) -> str:
        """Everything that `up` and its processes have printed."""
        return (self.home / "up.log").read_text()

    def http(self) -> httpx.Client:
        """A script on this machine, without a token."""
        return httpx.Client(base_url=self.address, timeout=30)

    def submit(self, **fields: Any) -> dict[str, Any]:
        """Submit a small picture that must be accepted; the answer."""
        asked = {"type": "image", "prompt": "1girl", "width": 128, "height": 128, **fields}
        answer = httpx.post(f"{self.address}/api/anime/generate", json=asked, timeout=30)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def job(self, job_id: str) -> dict[str, Any]:
        """A job's status now."""
        answer = httpx.get(f"{self.address}/api/anime/jobs/{job_id}", timeout=30)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def wait_for(self, job_id: str, true: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The first status of a job of which `true` is true."""
        found: dict[str, Any] = {}

        def look() -> bool:
            found.update(self.job(job_id))
            return bool(true(found))

        wait_until(look, f"job {job_id} gets there; it is {found}")
        return found

    def _ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def _kill(self) -> None:
        """Nothing of a failed test may go on in the background."""
        if self._process is not None and self._process.poll() is None:
            self.look()
            self._process.kill()
            self._process.wait()
        for child in self.living_children():
            child.kill()

    def _environment(self) -> dict[str, str]:
        ours = {
            "GENGA_HOME": str(self.home),
            "PORT": str(self.port),
            "OMP_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
            **self._settings,
        }
        tests_own = ("GENGA_ALLOWED_HOSTS", "DJANGO_SETTINGS_MODULE")
        return {name: text for name, text in os.environ.items() if name not in tests_own} | ours


@contextmanager
def follow(address: str, **options: Any) -> Iterator[ClientConnection]:
    """A socket of a script."""
    with connect(address, max_size=None, **options) as line:
        yield line


def statuses(line: ClientConnection) -> Iterator[dict[str, Any]]:
    """What a job's socket says, until the job has ended."""
    while True:
        status = json.loads(line.recv(PATIENCE_SECONDS))
        yield status
        if status["status"] in ("completed", "failed", "cancelled"):
            return


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def can_listen_on(port: int) -> bool:
    """True when the port is free again."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def wait_until(true: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Look until it is so; fail with `what` when it never is."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"it never happened that {what}"
        time.sleep(0.05)
