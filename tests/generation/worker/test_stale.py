"""A process whose device or database is gone notices, says why and ends, to be started again."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from generation.errors import StaleProcess
from generation.models import Attempt, Device, Job, ModelCard, Progress, absences
from generation.models.database_file import EMPTY_BYTES, DatabaseFile
from generation.states import Outcome, Stage, Status
from tests.generation.processes import RealProcess, WebProcess, WorkerProcess, environment

pytestmark = pytest.mark.django_db(transaction=True)

LONG = 60
"""Enough steps for a job of at least two seconds, so that a test can interrupt it."""


@pytest.fixture
def database() -> Iterator[Path]:
    """The name under which processes open the test's database; another file may be put there."""
    environment()
    path = Path(settings.GENGA_HOME) / "genga.sqlite3"
    yield path
    path.unlink(missing_ok=True)


def replace(path: Path) -> None:
    """Put a copy in the file's place, as somebody does who restores a backup.

    SQLite makes it: to open the file and close it again would drop the locks of this process.
    """
    backup = path.with_name("backup.sqlite3")
    connection.ensure_connection()
    with closing(sqlite3.connect(backup)) as copied:
        connection.connection.backup(copied)
    os.replace(backup, path)


def remove(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [(replace, absences.DATABASE_REPLACED), (remove, absences.DATABASE_MISSING)],
)
@pytest.mark.parametrize("kind", [WorkerProcess, WebProcess])
def test_a_process_ends_with_a_reason_when_somebody_replaces_the_database(
    kind: type[RealProcess],
    change: Callable[[Path], None],
    sentence: absences.Sentence,
    database: Path,
) -> None:
    with kind() as process:
        if isinstance(process, WebProcess):
            process.until(process.answers, "it answers")
        else:
            process.until(Device.objects.online().exists, "the worker has registered")

        change(database)

        assert process.wait() == StaleProcess.exit_status
        assert sentence.say(path=database) in process.said()


def test_a_worker_hands_its_job_back_and_ends_when_its_device_is_removed(
    submit: Callable[..., Job], toon_copy: Path
) -> None:
    ModelCard.objects.update(folder=str(toon_copy))
    job = submit(steps=LONG)
    with WorkerProcess("cpu:0") as worker:
        steps = Progress.objects.filter(stage=Stage.DENOISE, steps_complete__gte=3)
        worker.until(steps.exists, "3 steps are done")

        Device.objects.all().delete()

        assert worker.wait() == StaleProcess.exit_status
        assert absences.DEVICE_REMOVED.say(device="cpu:0") in worker.said()
    job.refresh_from_db()
    assert (job.status, job.attempts.get().outcome) == (Status.QUEUED, Outcome.HANDED_BACK)
    assert Attempt.objects.get().device is None


def test_a_database_that_is_made_after_the_start_is_no_other_one(
    database: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(connection.settings_dict, "NAME", tmp_path / "new.sqlite3")
    found = DatabaseFile()
    assert not found.exists
    (tmp_path / "new.sqlite3").touch()
    found.check()
    assert not found.exists, "a connection makes an empty file, but no database"
    (tmp_path / "new.sqlite3").write_bytes(bytes(2 * EMPTY_BYTES))

    found.check()

    assert found.exists


def test_a_young_database_is_there_while_its_tables_are_only_in_the_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "young.sqlite3"
    with closing(sqlite3.connect(path)) as young:
        young.execute("PRAGMA journal_mode = WAL")
        young.execute("CREATE TABLE one (number INTEGER)")
        monkeypatch.setitem(connection.settings_dict, "NAME", path)
        found = DatabaseFile()
        assert path.stat().st_size <= EMPTY_BYTES
        assert found.exists

        path.rename(tmp_path / "away.sqlite3")

        with pytest.raises(StaleProcess):
            found.check()


def test_a_database_that_is_no_file_is_not_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "vendor", "postgresql")
    found = DatabaseFile()

    found.check()

    assert found.exists
