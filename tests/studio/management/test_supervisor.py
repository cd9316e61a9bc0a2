"""The processes of `manage.py up` end and are started again, each by itself."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError
from django.db import connection
from django.utils import timezone

from generation.errors import SettingError, StaleProcess
from generation.models import Device, absences
from generation.models.database_file import EMPTY_BYTES
from generation.sentences import Said
from studio.management import sentences, supervisor
from studio.management.backoff import Patience
from studio.management.children import Child, WorkerChild
from studio.management.supervisor import Supervisor
from tests.generation.processes import wait_until

QUICK = Patience(first=0.01, ends=3, rest=0.05)
SLEEP = "import time; time.sleep(60)"
KILL_ITSELF = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"

Codes = list[str]
Run = Callable[..., Supervisor]


@pytest.fixture
def said() -> Codes:
    """Codes of what was printed."""
    return []


@pytest.fixture
def run(said: Codes) -> Iterator[Run]:
    """Start a web server and workers, which are Python programs: `run(web, worker)`."""
    started: list[Supervisor] = []

    def start(web: str, *workers: str, patience: Patience = QUICK) -> Supervisor:
        def say(one: Said) -> None:
            said.append(one.code)

        found = Supervisor(
            Child("web server", ["-c", web], patience),
            [
                WorkerChild(f"cpu:{number}", ["-c", code], patience)
                for number, code in enumerate(workers)
            ],
            say,
            lambda: said.append("prepared"),
            patience,
        )
        found.start()
        for child in (found.web, *found.workers):
            child.has_begun = True
        started.append(found)
        return found

    yield start
    for one in started:
        one.stop()


def until(running: Supervisor, true: Callable[[], object], what: str) -> None:
    def look() -> object:
        running.look()
        return true()

    wait_until(look, what, 60)


def test_a_killed_web_server_is_started_again_and_the_worker_runs_on(
    run: Run, said: Codes, db: None
) -> None:
    running = run(SLEEP, SLEEP)
    first, worker = running.web.pid, running.workers[0].pid

    for _ in range(QUICK.ends + 2):
        os.kill(running.web.pid, signal.SIGKILL)
        until(running, lambda: not running.web.runs, "its end is seen")
        until(running, lambda: running.web.runs, "it runs again")

    assert said == [sentences.SIGNALLED.code] * (QUICK.ends + 2)
    assert running.web.pid != first
    assert running.workers[0].pid == worker


@pytest.mark.django_db(transaction=True)
def test_only_the_device_whose_worker_is_killed_again_and_again_is_set_aside(
    run: Run, said: Codes
) -> None:
    for name in ("cpu:0", "cpu:1"):
        Device.objects.create(name=name, heartbeat_at=timezone.now())
    running = run(SLEEP, SLEEP, KILL_ITSELF, patience=Patience(first=0.01, ends=3, rest=60))

    until(running, lambda: "set_aside" in said, "the device is set aside")

    well, failing = Device.objects.order_by("name")
    assert said == [*["signalled"] * 2, "set_aside"]
    assert (well.set_aside, well.set_aside_until) == (None, None)
    assert failing.set_aside is not None
    assert failing.set_aside.code == absences.ENDED_BY_KILL.code
    assert failing.set_aside.values["count"] == 3
    assert failing.set_aside_until is not None
    assert 50 < (failing.set_aside_until - timezone.now()).total_seconds() < 61
    assert running.web.runs
    assert running.workers[0].runs

    running.stop()
    failing.refresh_from_db()
    assert failing.set_aside is None, "nobody will try it again"


@pytest.mark.django_db(transaction=True)
def test_a_device_that_is_set_aside_is_tried_again_later(run: Run, said: Codes) -> None:
    running = run(SLEEP, KILL_ITSELF)
    until(running, lambda: "set_aside" in said, "the device is set aside")
    running.workers[0].arguments = ["-c", SLEEP]

    until(running, lambda: running.workers[0].runs, "its worker runs again")

    assert said[-1] == sentences.TRIED_AGAIN.code
    assert running.workers[0].ends == [], "it has all its tries again"


@pytest.mark.django_db(transaction=True)
def test_a_device_is_away_at_once_when_its_worker_ends(run: Run, said: Codes) -> None:
    running = run(SLEEP, SLEEP)
    worker = running.workers[0]
    device = Device.objects.create(
        name="cpu:0", hostname=socket.gethostname(), pid=worker.pid, heartbeat_at=timezone.now()
    )

    os.kill(worker.pid, signal.SIGKILL)
    until(running, lambda: said, "its end is seen")

    device.refresh_from_db()
    assert device.state == "away"


def test_a_process_that_cannot_start_ends_everything_with_its_name(run: Run, db: None) -> None:
    broken = f"raise SystemExit({SettingError.exit_status})"
    for running in (run("", SLEEP), run(SLEEP, broken)):
        for child in (running.web, *running.workers):
            child.has_begun = False
        with pytest.raises(CommandError):
            until(running, lambda: False, "it is refused")


@pytest.mark.django_db(transaction=True)
def test_once_the_site_is_up_a_device_that_fails_takes_nothing_down(run: Run, said: Codes) -> None:
    """Its worker is started for the first time all the same: the device may come back."""
    gone = f"raise SystemExit({SettingError.exit_status})"
    running = run(SLEEP, KILL_ITSELF, SLEEP)
    for worker in running.workers:
        worker.has_begun = False
    until(running, lambda: running.workers[0].ends, "its first process ends early")
    running.wait_until_ready(lambda: True, 0.1)
    running.workers[0].arguments = ["-c", gone]

    until(running, lambda: "set_aside" in said, "the device is set aside")

    assert running.web.runs
    assert running.workers[1].runs


@pytest.mark.django_db(transaction=True)
def test_a_device_that_cannot_be_used_from_the_start_does_not_refuse_the_others(
    run: Run, said: Codes
) -> None:
    running = run(SLEEP, f"raise SystemExit({SettingError.exit_status})", SLEEP)

    until(running, lambda: "set_aside" in said, "the device is set aside")

    assert running.workers[1].runs


def test_a_process_that_the_machine_cannot_start_is_tried_again(
    run: Run, said: Codes, monkeypatch: pytest.MonkeyPatch, db: None
) -> None:
    running = run(SLEEP)
    refusals = [OSError(errno.ENOMEM, "Cannot allocate memory")] * 2
    popen = subprocess.Popen

    def start(*arguments: Any, **options: Any) -> Any:
        if refusals:
            raise refusals.pop()
        return popen(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", start)
    os.kill(running.web.pid, signal.SIGKILL)
    until(running, lambda: not running.web.runs, "its end is seen")

    until(running, lambda: running.web.runs, "it runs again")

    assert said == ["signalled", "not_started_yet", "not_started_yet"]


def test_all_processes_are_stopped_and_stubborn_ones_are_killed(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, db: None
) -> None:
    monkeypatch.setattr(supervisor, "STOP_SECONDS", 0.5)
    ready = tmp_path / "ready"
    ignoring = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    running = run(SLEEP, f"{ignoring}; open({str(ready)!r}, 'w'); {SLEEP}")
    wait_until(ready.exists, "the worker ignores SIGTERM")
    pids = [running.web.pid, running.workers[0].pid]

    running.stop()

    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.django_db(transaction=True)
def test_nothing_starts_before_a_database_that_is_gone_is_back(
    run: Run, said: Codes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    running = run(SLEEP, f"raise SystemExit({StaleProcess.exit_status})")
    database = tmp_path / "restored.sqlite3"
    monkeypatch.setitem(connection.settings_dict, "NAME", database)
    until(running, lambda: "database_awaited" in said, "it waits for the database")
    assert running.workers[0].ends == [], "that was no fault of the device"
    assert not database.exists(), "an empty one in its place would be taken for it"

    assert said.count("database_awaited") == 1
    database.write_bytes(bytes(2 * EMPTY_BYTES))

    until(running, lambda: running.workers[0].runs, "the worker runs again")
    assert "prepared" in said


def test_no_variable_says_how_threads_wait(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Threads that sleep between two loops of torch make a render slower by half."""
    threading = ("OMP_", "GOMP_", "KMP_", "MKL_")
    for name in list(os.environ):
        if name.startswith(threading):
            monkeypatch.delenv(name)
    names = tmp_path / "names"
    write = f"import os; open({str(names)!r}, 'w').write(' '.join(os.environ))"
    child = Child("worker", ["-c", write], QUICK)

    child.start()
    child.join(60)

    assert not [name for name in names.read_text().split() if name.startswith(threading)]
