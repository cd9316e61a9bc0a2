"""A database that is locked by another program, as a backup or a hanging disk would lock it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

PATIENCE = 0.2
"""Seconds that our own connections wait for a lock while one of these tests runs."""


class OtherProgram:
    """A second connection to the test's database file."""

    def __init__(self) -> None:
        name = connection.settings_dict["NAME"]
        self._line = sqlite3.connect(name, isolation_level=None, check_same_thread=False)

    def lock(self) -> None:
        """Let nobody else write; waits for those who write now."""
        self._line.execute("PRAGMA busy_timeout = 5000")
        if not self._line.in_transaction:
            self._line.execute("BEGIN EXCLUSIVE")

    def release(self) -> None:
        """Let everybody write again."""
        if self._line.in_transaction:
            self._line.execute("ROLLBACK")

    def close(self) -> None:
        self.release()
        self._line.close()


@contextmanager
def other_program() -> Iterator[OtherProgram]:
    """Our connections have little patience meanwhile."""
    options = connection.settings_dict["OPTIONS"]
    patience = options["timeout"]
    options["timeout"] = PATIENCE
    connection.close()
    program = OtherProgram()
    try:
        yield program
    finally:
        program.close()
        options["timeout"] = patience
        connection.close()
