"""Host load measured with real processes and threads."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from generation.monitoring.host_load import SAMPLE_SECONDS, HostLoad

CORES = os.cpu_count() or 1
SPIN = "while True: pass"
BUSY = 8
"""More than what other tests and programs are likely to run meanwhile."""


@pytest.fixture
def load() -> Iterator[HostLoad]:
    sampled = HostLoad()
    sampled.start()
    yield sampled
    sampled.stop()


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Run `count` processes that are always runnable."""
    spinning = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(count)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


@contextmanager
def busy_threads(count: int) -> Iterator[None]:
    """Run `count` threads of this process that compute without holding the GIL."""
    over = threading.Event()

    def spin() -> None:
        import hashlib

        data = bytes(1 << 22)
        while not over.is_set():
            hashlib.sha256(data)

    threads = [threading.Thread(target=spin) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def mean_of(load: HostLoad, seconds: float) -> float:
    """The mean load of an attempt of so many seconds."""
    mark = load.begin()
    time.sleep(seconds)
    return load.since(mark)


def alternating(
    load: HostLoad, busy: Callable[[], AbstractContextManager[None]], rounds: int = 3
) -> float:
    """The difference of the load with and without something, while others use the host too."""
    more = []
    for _ in range(rounds):
        without = mean_of(load, 1.0)
        with busy():
            more.append(mean_of(load, 1.0) - without)
    return sorted(more)[rounds // 2]


def test_each_busy_process_counts_as_one_runnable_thread(load: HostLoad) -> None:
    more = alternating(load, lambda: busy_processes(BUSY))

    assert more == pytest.approx(BUSY / CORES, abs=BUSY / 2 / CORES)


def test_a_busy_process_is_seen_within_three_seconds(load: HostLoad) -> None:
    time.sleep(2 * SAMPLE_SECONDS)
    before = load.now
    with busy_processes(BUSY):
        time.sleep(3.0)
        assert load.now > before + BUSY / 3 / CORES


def test_our_own_threads_are_not_counted(load: HostLoad) -> None:
    more = alternating(load, lambda: busy_threads(BUSY))

    assert more == pytest.approx(0.0, abs=BUSY / 2 / CORES)


def test_without_samples_since_a_mark_the_present_load_is_returned(load: HostLoad) -> None:
    load.now = 0.7

    assert load.since(load.begin()) == 0.7


def test_it_stops_immediately() -> None:
    sampled = HostLoad()
    sampled.start()
    before = time.monotonic()

    sampled.stop()

    assert time.monotonic() - before < 1.0
    assert not any(thread.name == "host-load" for thread in threading.enumerate())
