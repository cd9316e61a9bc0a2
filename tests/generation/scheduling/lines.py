"""Waiting jobs and devices as plain data, in few words, for the tests of the pure parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

from generation.scheduling.assignment import EVERY_WORK, Lane
from generation.scheduling.policy import Level, WaitingJob, WaitingLine
from generation.states import Priority

_keys = count(1)


def waits(
    priority: int = Priority.NORMAL,
    queued: float = 0.0,
    owner: int = 1,
    rank: float | None = None,
    key: Any = None,
    **told: Any,
) -> WaitingJob:
    """A job; by itself of owner 1, of normal priority, submitted at 0 and in the order of that."""
    key = next(_keys) if key is None else key
    return WaitingJob(key, owner, priority, queued, queued if rank is None else rank, **told)


def in_order(line: WaitingLine, now: float) -> Iterator[tuple[WaitingJob, Level]]:
    """Everything, as it would be served if all of it was served at this moment."""
    while (popped := line.pop(now)) is not None:
        yield popped


def lane(
    name: str,
    seconds: float | Mapping[str, float | None] | None = 10.0,
    free_at: float | None = 0.0,
    models: str = "",
    loading: float = 0.0,
    takes: str = "",
) -> Lane:
    """A device: its seconds of every job or by shape, the works it takes (none named: all)."""
    return Lane(
        name,
        free_at,
        lambda job: not takes or job.work in takes.split(),
        lambda job: seconds.get(job.shape) if isinstance(seconds, Mapping) else seconds,
        lambda _: loading,
        set(models.split()),
        frozenset(takes.split()) or EVERY_WORK,
    )
