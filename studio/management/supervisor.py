"""Keeps the web server and the workers of `manage.py up` running, each by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from django.core.management import CommandError
from django.db import connections

from generation.errors import SettingError, StaleProcess
from generation.models import absences
from generation.models.database_file import DatabaseFile
from generation.sentences import Said
from studio.management import device_rows, sentences
from studio.management.backoff import Patience
from studio.management.children import Child, End, WorkerChild
from studio.management.memory_kills import MemoryKills

LOOK_SECONDS = 0.2
STOP_SECONDS = 20.0


class Supervisor:
    """Starts processes, and starts them again when they end. `say` prints what happens.

    The web server is always started again. A worker that ends again and again is set aside for a
    while, so that the queue goes on on the other devices. `prepare` brings a database that was
    replaced up to date.
    """

    def __init__(
        self,
        web: Child,
        workers: Sequence[WorkerChild],
        say: Callable[[Said], None],
        prepare: Callable[[], None],
        patience: Patience,
    ) -> None:
        self.web = web
        self.workers = list(workers)
        self.stopping = False
        """Set by a signal's handler; no threading.Event, which may not be set from there."""
        self._say = say
        self._prepare = prepare
        self._patience = patience
        self._set_aside: set[WorkerChild] = set()
        self._kills = MemoryKills()
        self._is_starting = True
        self._is_stale = False
        self._database_due = 0.0
        self._told_of_database = ""

    def start(self) -> None:
        """Start every process for the first time."""
        for child in self._children:
            child.start()

    def wait_until_ready(self, answers: Callable[[], bool], seconds: float) -> None:
        """Wait until the web server answers and each worker is online or has ended once.

        Raises CommandError when the web server, or none of the workers, can start at all. From then
        on an end of a process is no reason to end the others.
        """
        until = time.monotonic() + seconds
        while not self.stopping:
            self.look()
            self.web.has_begun = self.web.has_begun or answers()
            if self.web.has_begun and not self.late():
                break
            if time.monotonic() >= until:
                break
            time.sleep(LOOK_SECONDS)
        if not self.web.has_begun and not self.stopping:
            too_slow = sentences.TOO_SLOW.said(name=self.web.name, seconds=round(seconds))
            raise CommandError(too_slow.text)
        self._is_starting = False

    def late(self) -> list[WorkerChild]:
        """The workers that have neither registered their device nor ended."""
        for worker in self.workers:
            worker.has_begun = worker.has_begun or device_rows.is_online(worker)
        return [worker for worker in self.workers if not worker.has_begun and not worker.ends]

    def run(self) -> None:
        """Look after the processes until `stopping` is set."""
        while not self.stopping:
            self.look()
            time.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Look once after each process. Raises CommandError for one that cannot start at all."""
        for child in self._children:
            end = child.ended(self._kills)
            if end is not None:
                self._after(child, end)
            elif child.is_due:
                self._start_again(child)
        self._kills.look()

    def stop(self) -> None:
        """Ask all to end, in order; workers hand back their jobs. Kill those that take too long."""
        for child in self._children:
            child.terminate()
        until = time.monotonic() + STOP_SECONDS
        for child in self._children:
            child.join(max(0.1, until - time.monotonic()))
        device_rows.release(self._set_aside)

    @property
    def _children(self) -> list[Child]:
        return [self.web, *self.workers]

    def _after(self, child: Child, end: End) -> None:
        if self._is_starting and self._cannot_start(child):
            raise CommandError(sentences.NOT_STARTED.say(name=child.name))
        if end.status == StaleProcess.exit_status:
            # It ended on purpose, which is no fault of its device, and it has left no job.
            child.ends.pop()
            self._is_stale = True
        elif isinstance(child, WorkerChild):
            device_rows.note_end(child, end.pid)
        child.ends = [one for one in child.ends if end.at - one.at <= self._patience.ends_within]
        if isinstance(child, WorkerChild) and len(child.ends) >= self._patience.ends:
            self._put_aside(child)
        else:
            self._start_later(child, end)

    def _cannot_start(self, child: Child) -> bool:
        """Whether a first end shows that nothing can work: no web server, or no usable device."""
        if child is self.web:
            return not child.has_begun
        return all(
            worker.ends and worker.ends[-1].status == SettingError.exit_status
            for worker in self.workers
        )

    def _start_later(self, child: Child, end: End) -> None:
        seconds = child.backoff.after(end.ran)
        child.wait(seconds)
        told = {"name": child.name, "seconds": f"{seconds:.3g}"}
        if not end.signal:
            self._say(sentences.ENDED.said(status=end.status, **told))
        elif end.for_memory:
            self._say(sentences.SIGNALLED_FOR_MEMORY.said(signal=end.signal, **told))
        else:
            self._say(sentences.SIGNALLED.said(signal=end.signal, **told))

    def _put_aside(self, worker: WorkerChild) -> None:
        rest = self._patience.rest
        why = why_it_ended(worker.ends)
        worker.wait(rest)
        self._set_aside.add(worker)
        device_rows.set_aside(worker, why, rest)
        told = {"name": worker.name, "seconds": f"{rest:.6g}"}
        self._say(sentences.SET_ASIDE.said(problem=why.text, **told))

    def _start_again(self, child: Child) -> None:
        if not self._has_database():
            child.wait(self._patience.first)
            return
        if isinstance(child, WorkerChild) and child in self._set_aside:
            self._set_aside.remove(child)
            child.ends.clear()
            child.backoff.reset()
            self._say(sentences.TRIED_AGAIN.said(name=child.name))
        try:
            child.start()
        except OSError as problem:
            # Memory or process numbers have run out, which often passes.
            seconds = child.backoff.after(ran=0.0)
            child.wait(seconds)
            told = {"name": child.name, "seconds": f"{seconds:.3g}", "problem": str(problem)}
            self._say(sentences.NOT_STARTED_YET.said(**told))

    def _has_database(self) -> bool:
        """Whether processes may start: a replaced database has to be there and up to date."""
        if not self._is_stale:
            return True
        # Each process asks; one look serves all.
        if time.monotonic() < self._database_due:
            return False
        self._database_due = time.monotonic() + self._patience.first
        file = DatabaseFile()
        if not file.exists:
            # SQLite would make an empty file, just where somebody restores a backup.
            self._say_once(sentences.DATABASE_AWAITED.said(path=file.path))
            return False
        try:
            self._prepare()
        except Exception as problem:
            # Also a history of migrations that does not fit: another backup may.
            self._say_once(sentences.DATABASE_UNREADY.said(problem=str(problem)))
            return False
        finally:
            connections.close_all()
        self._is_stale = False
        self._told_of_database = ""
        return True

    def _say_once(self, said: Said) -> None:
        if said.text != self._told_of_database:
            self._say(said)
        self._told_of_database = said.text


def why_it_ended(ends: Sequence[End]) -> Said:
    """Why a worker ended again and again, by its last end."""
    last = ends[-1]
    told = {"count": len(ends), "seconds": max(1, round(last.at - ends[0].at))}
    if not last.signal:
        return absences.ENDED_WITH_STATUS.said(status=last.status, **told)
    if last.signal == "SIGKILL" and any(end.for_memory for end in ends):
        return absences.ENDED_BY_MEMORY.said(signal=last.signal, **told)
    if last.signal == "SIGKILL":
        return absences.ENDED_BY_KILL.said(signal=last.signal, **told)
    return absences.ENDED_BY_SIGNAL.said(signal=last.signal, **told)
