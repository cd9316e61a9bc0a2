"""A site in its own processes, and the API calls that tests need."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio import environment

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 150.0
"""Long, because importing torch is slow on two busy cores. A passing test never waits that long."""
PATIENCE_SECONDS = 60.0
LOOK_AGAIN_SECONDS = 0.05

PROJECT = "harbour-lights"
LAN_HOST = "genga.lan"
"""Another name of the site, as in a studio's network."""


def wait_until(true: Callable[[], object], what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Poll until `true()` holds; fail with `what` in the message after `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"it never happened that {what}"
        time.sleep(LOOK_AGAIN_SECONDS)


def free_port() -> int:
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def settings(home: Path, port: int) -> dict[str, str]:
    """The environment of a site's processes, without the settings of the user who runs the tests."""
    inherited = {name: text for name, text in os.environ.items() if name not in environment.NAMES}
    own = {
        "GENGA_HOME": str(home),
        "PORT": str(port),
        "GENGA_SUBMIT_RATE": "1000/min",
        "GENGA_ALLOWED_HOSTS": f"127.0.0.1,{LAN_HOST}",
    }
    # One thread for a render leaves the other core to web server and browser.
    return {"OMP_NUM_THREADS": "1", **inherited, **own}


class Process:
    """A process whose output is kept, so that a test can wait for a text in it."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self._lines: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def wait_for(self, word: str) -> None:
        """Wait until it has printed `word`; fail with its whole output otherwise."""

        def printed_or_ended() -> bool:
            return word in self.said or self._process.poll() is not None

        wait_until(printed_or_ended, f"{word!r} was printed", START_SECONDS)
        assert word in self.said, self.said

    @property
    def said(self) -> str:
        """Everything it has printed."""
        return "".join(self._lines)

    def stop(self) -> None:
        """End it by SIGINT, like Ctrl-C."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(PATIENCE_SECONDS)

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._process.kill()
        self._process.wait()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line)


class Site:
    """All processes of `manage.py up`, with the demo project, in its own data folder."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.first_render = ""
        self._up = Process(["manage.py", "up", "--device", "cpu:0"], settings(home, self.port))

    def start(self) -> None:
        """Wait until it is ready, then render once, so that the model is loaded."""
        self._up.wait_for("Genga is ready")
        self.first_render = self.ended(self.render())["status"]
        if self.first_render != "completed":
            self.finished()

    def stop(self) -> None:
        """Stop all processes."""
        self._up.stop()

    @property
    def said(self) -> str:
        """What its processes have printed."""
        return self._up.said

    def render(self, **asked: Any) -> str:
        """Submit a small draft as the artist; return its job's id."""
        request = {
            "type": "image",
            "prompt": "1girl, short pink hair, blue eyes",
            "quality": "draft",
        }
        small = {"width": 128, "height": 128, "steps": 2, "project": PROJECT, "shot": "sh020"}
        job_id: str = self.api("generate", {**request, **small, **asked})["job_id"]
        return job_id

    def job(self, job_id: str) -> dict[str, Any]:
        """The job's status."""
        return self.api(f"jobs/{job_id}")

    def ended(self, job_id: str) -> dict[str, Any]:
        """The job's status once it has ended."""
        ends = ("completed", "failed", "cancelled")
        wait_until(lambda: self.job(job_id)["status"] in ends, f"job {job_id} ended")
        return self.job(job_id)

    def finished(self, **asked: Any) -> str:
        """Render a small draft; return its job's id."""
        job_id = self.render(**asked)
        assert self.ended(job_id)["status"] == "completed", self.said
        return job_id

    def cancel(self, job_id: str) -> None:
        """Cancel a job and wait until it has ended."""
        self.api(f"jobs/{job_id}/cancel", {})
        self.ended(job_id)

    def api(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call the API; on loopback it acts for the artist."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.address}/api/anime/{path}", data, headers)
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


class SecondWebProcess:
    """A second web server on the same data, which can be killed without ending the site."""

    def __init__(self, site: Site) -> None:
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._settings = settings(site.home, self.port)

    def start(self) -> None:
        """Start or restart it on the same port."""
        command = ["-m", "daphne", "-b", "127.0.0.1", "-p", str(self.port)]
        self._process = Process([*command, "studio.asgi:application"], self._settings)
        wait_until(self._answers, "the second web server answered", START_SECONDS)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=2):
                return True
        except OSError:
            return False

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._process.kill()
