"""What is not the result never fails the result: notes about a run may be lost, the run goes on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, close_old_connections, connection

logger = logging.getLogger(__name__)


@contextmanager
def best_effort(what: str) -> Iterator[None]:
    """Log a database or disk error inside, with `what` was to be done, and go on after it.

    Only for notes that are made again later, or that can be missing. Do not use it in a
    transaction: after an error the rest of a transaction would fail too.
    """
    try:
        yield
    except (DatabaseError, OSError):
        logger.exception("not done, the run goes on: %s", what)
        reconnect()


def reconnect() -> None:
    """Close this thread's connection if an error made it unusable; the next query opens another."""
    if not connection.in_atomic_block:
        close_old_connections()
