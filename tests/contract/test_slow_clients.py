"""The web server closes connections whose request does not arrive, or does not end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.contract.real import ROOT, free_port, wait_until

PATIENCE_SECONDS = 2
LARGEST_BYTES = 1_000_000
DAPHNE = f"""
from daphne.cli import CommandLineInterface
import studio.asgi
from studio.live import slow_clients
slow_clients.PATIENCE_SECONDS = {PATIENCE_SECONDS}
slow_clients.LARGEST_BYTES = {LARGEST_BYTES}
CommandLineInterface.entrypoint()
"""
DRIBBLED = {
    "the request line": b"GET /healthz?" + b"a" * 1000,
    "a header": b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * 1000,
    "a body": b"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
    + b"a" * 999,
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A web server with little patience, so that the test is short."""
    port = free_port()
    command = [sys.executable, "-c", DAPHNE, "-p", str(port), "studio.asgi:application"]
    home = str(tmp_path_factory.mktemp("slow"))
    web = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "GENGA_HOME": home})
    try:
        wait_until(lambda: answers(port), "the web server answers")
        yield port
    finally:
        web.terminate()
        web.wait()


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://localhost:{port}/healthz").text == "ok"
    except httpx.TransportError:
        return False


def closed_after(line: socket.socket, dribbled: bytes = b"", pause: float = 0.2) -> float:
    """Seconds until the server closes; a byte is sent in every pause."""
    began = time.monotonic()
    line.settimeout(pause)
    for place in range(100):
        if dribbled and place < len(dribbled):
            try:
                line.sendall(dribbled[place : place + 1])
            except OSError:
                break
        try:
            if line.recv(4096) == b"":
                break
        except TimeoutError:
            continue
        except OSError:
            break
    else:
        pytest.fail("the connection is still open")
    return time.monotonic() - began


@pytest.mark.parametrize("part", DRIBBLED)
def test_a_client_that_dribbles_its_request_is_cut_off(part: str, port: int) -> None:
    text = DRIBBLED[part]
    head, dribbled = text[:-900], text[-900:]
    with socket.create_connection(("localhost", port)) as line:
        line.sendall(head)

        assert closed_after(line, dribbled) < PATIENCE_SECONDS * 3
    assert answers(port)


def test_a_client_that_sends_nothing_is_cut_off(port: int) -> None:
    with socket.create_connection(("localhost", port)) as line:
        assert closed_after(line) < PATIENCE_SECONDS * 3


def test_a_slow_upload_that_goes_on_is_taken(port: int) -> None:
    """It takes longer than the patience, and brings enough in every part of it."""
    pieces, size = 6, 70_000
    head = f"POST /login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: {pieces * size}\r\n\r\n"
    with socket.create_connection(("localhost", port)) as line:
        line.sendall(head.encode())
        for _ in range(pieces):
            time.sleep(PATIENCE_SECONDS / 4)
            line.sendall(b"a" * size)
        line.settimeout(30)

        assert line.recv(4096).startswith(b"HTTP/1.1 403"), "answered, not cut off"


@pytest.mark.parametrize(
    ("told", "piece"),
    [
        ("Content-Length: 100000000", b"a" * 50_000),
        ("Transfer-Encoding: chunked", b"c350\r\n" + b"a" * 50_000 + b"\r\n"),
    ],
    ids=["with its length", "in chunks"],
)
def test_a_request_without_end_is_refused_before_it_fills_the_disk(
    told: str, piece: bytes, port: int
) -> None:
    head = f"POST /login/ HTTP/1.1\r\nHost: localhost\r\n{told}\r\n\r\n"
    with socket.create_connection(("localhost", port)) as line:
        line.settimeout(30)
        line.sendall(head.encode())
        for _ in range(LARGEST_BYTES // 50_000 + 1):
            line.sendall(piece)

        assert line.recv(4096).startswith(b"HTTP/1.1 413")
    assert answers(port)


def test_a_connection_serves_several_requests(port: int) -> None:
    ask = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with socket.create_connection(("localhost", port)) as line:
        line.settimeout(30)
        for _ in range(3):
            time.sleep(PATIENCE_SECONDS / 2)
            line.sendall(ask)
            assert b"200 OK" in line.recv(4096)
