"""The file that holds the tables, where the database is SQLite."""

from __future__ import annotations

from pathlib import Path

from django.db import connection

from generation.errors import StaleProcess
from generation.models import absences

EMPTY_BYTES = 4096
"""The most that a file without any table has: SQLite makes one where it finds none."""


class DatabaseFile:
    """The database's file as this process found it when it started.

    An open connection goes on with the file that it opened, even when another one has its name
    by now: whatever it writes is lost. On other databases there is no file to watch.
    """

    def __init__(self) -> None:
        self.path = _path()
        self._opened = self._identity()

    @property
    def exists(self) -> bool:
        """Whether the file is there; always true for a database that is not SQLite."""
        return self.path is None or self._identity() is not None

    def check(self) -> None:
        """Raise StaleProcess if the file was replaced, or is gone.

        A database that was made after this process had started is the first one it can open.
        """
        now = self._identity()
        if self._opened is None:
            self._opened = now
        elif now is None:
            raise StaleProcess(absences.DATABASE_MISSING.said(path=self.path))
        elif now != self._opened:
            raise StaleProcess(absences.DATABASE_REPLACED.said(path=self.path))

    def _identity(self) -> tuple[int, int] | None:
        """Device and inode of the file; None while there is none with tables."""
        if self.path is None:
            return None
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        has_tables = found.st_size > EMPTY_BYTES or _log_bytes(self.path) > 0
        return (found.st_dev, found.st_ino) if has_tables else None


def _log_bytes(path: Path) -> int:
    """The size of the write-ahead log, in which all tables of a young database may still be."""
    try:
        return Path(f"{path.resolve()}-wal").stat().st_size
    except FileNotFoundError:
        return 0


def _path() -> Path | None:
    return Path(connection.settings_dict["NAME"]) if connection.vendor == "sqlite" else None
