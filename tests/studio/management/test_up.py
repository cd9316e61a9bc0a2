"""The parts of `manage.py up`; the contract's and the browser's tests run the whole command."""

from __future__ import annotations

import http.server
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError

from generation.worker import threads
from studio.management.commands import up


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


def arguments(devices: list[str]) -> list[list[str]]:
    """How the web server and the workers of these devices are started."""
    supervisor = up._supervisor(devices, lambda said: None)
    return [child.arguments for child in (supervisor.web, *supervisor.workers)]


def test_a_web_server_and_a_worker_for_each_device_are_started() -> None:
    web, first, second = arguments(["cpu:0", "cuda:0"])

    assert "daphne" in web
    assert first[-2:] == ["--device", "cpu:0"], "all cores are its own"
    assert second[-2:] == ["--device", "cuda:0"]
    assert arguments([])[1:] == [["manage.py", "worker"]]


def test_several_cpu_devices_share_the_cores_of_this_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threads, "own_cores", lambda: 8)

    _, *workers = arguments(["cpu:0", "cuda:0", "cpu:1", "cpu:2"])

    shares = [worker[-2:] for worker in workers]
    assert shares == [["--threads", "2"], ["--device", "cuda:0"], *[["--threads", "2"]] * 2]
