"""Short constructors of waiting jobs and lanes for tests without a database."""

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
    **fields: Any,
) -> WaitingJob:
    """A waiting job; by default of owner 1, normal priority, queued at 0 and ranked by that."""
    key = next(_keys) if key is None else key
    return WaitingJob(key, owner, priority, queued, queued if rank is None else rank, **fields)


def in_order(line: WaitingLine, now: float) -> Iterator[tuple[WaitingJob, Level]]:
    """All jobs in the order in which they would be served at this moment."""
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
    """A lane; `seconds` for every job or by shape, `takes` names kinds of work (empty: all)."""
    return Lane(
        name,
        free_at,
        lambda job: not takes or job.work in takes.split(),
        lambda job: seconds.get(job.shape) if isinstance(seconds, Mapping) else seconds,
        lambda _: loading,
        set(models.split()),
        frozenset(takes.split()) or EVERY_WORK,
    )
