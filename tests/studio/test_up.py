"""The parts of `manage.py up`; the browser tests run the whole command."""

from __future__ import annotations

import http.server
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError

from generation.worker import threads
from studio.management.commands import up

SLEEPER = "import time; print('ready', flush=True); time.sleep(60)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEPER}"


@pytest.mark.parametrize(
    ("bind", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "localhost"),
        ("0.0.0.0", "127.0.0.1"),
        ("", "127.0.0.1"),
        ("::1", "[::1]"),
        ("::", "[::1]"),
        ("192.168.1.5", "192.168.1.5"),
    ],
)
def test_the_greeting_names_an_address_that_a_browser_can_open(bind: str, address: str) -> None:
    assert up._reachable(bind) == address


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_used_port_is_an_error_before_anything_is_started(taken_port: int) -> None:
    with pytest.raises(CommandError) as refused:
        up._check_port("127.0.0.1", taken_port)

    told = str(refused.value)
    assert told.startswith(f"127.0.0.1:{taken_port} cannot be used (Address already in use).")
    assert "PORT=8400 make run" in told


@pytest.mark.parametrize("bind", ["127.0.0.1", "::1"])
def test_a_free_port_is_fine(bind: str) -> None:
    up._check_port(bind, free_port(bind))


def free_port(bind: str) -> int:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family) as probe:
        try:
            probe.bind((bind, 0))
        except OSError:
            pytest.skip(f"this machine has no {bind}")
        port: int = probe.getsockname()[1]
        return port


def test_an_address_of_another_machine_cannot_be_used() -> None:
    with pytest.raises(CommandError, match=r"192\.0\.2\.1:8328 cannot be used"):
        up._check_port("192.0.2.1", 8328)


class Answering(http.server.BaseHTTPRequestHandler):
    """Responds with the status of the server."""

    def do_GET(self) -> None:
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("Location", "https://127.0.0.1/healthz")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Do not log."""


@pytest.mark.parametrize(
    ("status", "ready"),
    [(200, True), (301, True), (400, True), (500, False)],
    ids=["well", "only by HTTPS", "to another host name only", "broken"],
)
def test_the_web_server_is_ready_when_it_answers(status: int, ready: bool) -> None:
    with http.server.HTTPServer(("127.0.0.1", 0), Answering) as server:
        server.status = status  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert up._answers("127.0.0.1", server.server_port) is ready
        server.shutdown()
    assert not up._answers("127.0.0.1", server.server_port), "the server was stopped"


def started(code: str) -> subprocess.Popen[bytes]:
    """Start a process, and wait until it is ready."""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def test_all_processes_are_stopped_and_stubborn_ones_are_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(up, "STOP_SECONDS", 0.5)
    processes = {"web": started(SLEEPER), "worker": started(STUBBORN)}

    up._stop(processes)

    assert {name: process.returncode for name, process in processes.items()} == {
        "web": -15,
        "worker": -9,
    }


def test_a_process_that_ends_raises_a_command_error() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()

    with pytest.raises(CommandError, match="The worker process ended by itself"):
        up.Command()._watch({"worker": ended})


def test_a_killed_worker_is_restarted_a_limited_number_of_times(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(up.time, "sleep", lambda _: None)
    suicide = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    launched = subprocess.Popen([sys.executable, "-c", suicide])

    with pytest.raises(CommandError, match="The worker process ended by itself"):
        up.Command()._watch({"worker": launched})

    said = capsys.readouterr().out
    assert said.count("The worker process was killed; it is started again.") == up.KILLED_OFTEN


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """Commands and environments of processes that would be started."""
    asked: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(
        up.subprocess, "Popen", lambda command, env, **_: asked.append((command, env))
    )
    return asked


def test_a_web_server_and_a_worker_for_each_device_are_started(
    launched: list[tuple[list[str], dict[str, str]]],
) -> None:
    names = list(up._start(["cpu:0", "cuda:0"]))

    assert names == ["web", "worker cpu:0", "worker cuda:0"]
    assert "daphne" in launched[0][0]
    assert launched[1][0][-2:] == ["--device", "cpu:0"], "all cores are its own"
    assert launched[2][0][-2:] == ["--device", "cuda:0"]
    assert list(up._start([])) == ["web", "worker"]


def test_several_cpu_devices_share_the_cores_of_this_process(
    launched: list[tuple[list[str], dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "own_cores", lambda: 8)

    up._start(["cpu:0", "cuda:0", "cpu:1", "cpu:2"])

    shares = [command[-2:] for command, _ in launched[1:]]
    assert shares == [["--threads", "2"], ["--device", "cuda:0"], *[["--threads", "2"]] * 2]


def test_no_variable_says_how_threads_wait(
    launched: list[tuple[list[str], dict[str, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Threads that sleep between two loops of torch make a render slower by half."""
    for name in list(os.environ):
        if name.startswith(("OMP_", "GOMP_", "KMP_", "MKL_")):
            monkeypatch.delenv(name)

    up._start(["cpu:0"])

    for _, env in launched:
        assert not [name for name in env if name.startswith(("OMP_", "GOMP_", "KMP_", "MKL_"))]
