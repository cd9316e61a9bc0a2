"""Live events: group names, and the way from whoever changes a job to whoever watches it.

A message says only which job changed and how; whoever is told reads the row, so the newest state
always wins and a lost message costs nothing but a moment. `job.progress` is only told; every
other kind is a JobEvent row as well, written by `generation.queue.lifecycle`.
"""

import asyncio
import logging
import threading
from collections.abc import Iterable
from contextlib import suppress
from enum import StrEnum
from functools import cache
from typing import Any

from channels.layers import get_channel_layer
from django.dispatch import Signal

logger = logging.getLogger(__name__)

QUEUE_GROUP = "queue"

GATHER_SECONDS = 0.01
"""What is told within so long goes out together."""

job_waiting = Signal()
"""Sent after a job's row began to wait and was committed, with `job_id`: ring the doorbells."""


class EventKind(StrEnum):
    """What can happen to a job. The values are the names that history and sockets use."""

    QUEUED = "job.queued"
    CLAIMED = "job.claimed"
    PROGRESS = "job.progress"
    PRIORITY_CHANGED = "job.priority_changed"
    CANCEL_REQUESTED = "job.cancel_requested"
    HELD = "job.held"
    RELEASED = "job.released"
    MOVED = "job.moved"
    HANDED_BACK = "job.handed_back"
    PREEMPTED = "job.preempted"
    LOST = "job.lost"
    COMPLETED = "job.completed"
    FAILED = "job.failed"
    CANCELLED = "job.cancelled"

    @property
    def label(self) -> str:
        """What a person reads in the job's history."""
        return {
            "job.queued": "Joined the queue",
            "job.claimed": "Started",
            "job.progress": "Progress",
            "job.priority_changed": "Priority changed",
            "job.cancel_requested": "Cancel asked for",
            "job.held": "Put on hold",
            "job.released": "Released from hold",
            "job.moved": "Moved in the queue",
            "job.preempted": "Gave way to urgent work",
            "job.handed_back": "Back in the queue: the worker was stopped",
            "job.lost": "Back in the queue: the worker vanished",
            "job.completed": "Finished",
            "job.failed": "Failed",
            "job.cancelled": "Cancelled",
        }[self.value]


def job_group(job_id: Any) -> str:
    """The group that hears everything about one job."""
    return f"job.{job_id}"


class _Publisher:
    """One event loop in a thread of its own, so that telling never holds up a render.

    Channel layers are asynchronous and workers are not. Messages go out in the order in which they
    were given, gathered for a moment: whoever gave one is left alone with what it does next.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._waiting: asyncio.Queue[tuple[list[str], dict[str, Any]]] = asyncio.Queue()
        threading.Thread(target=self._run, name="publisher", daemon=True).start()

    def send(self, groups: Iterable[str], message: dict[str, Any]) -> None:
        """Put a message behind the others, and return at once."""
        self._loop.call_soon_threadsafe(self._waiting.put_nowait, (list(groups), message))

    def drain(self, timeout: float) -> None:
        """Wait until everything that was given has gone out; at most `timeout` seconds."""
        going = asyncio.run_coroutine_threadsafe(self._waiting.join(), self._loop)
        with suppress(TimeoutError):
            going.result(timeout)

    def _run(self) -> None:
        self._loop.run_until_complete(self._send_all())

    async def _send_all(self) -> None:
        while True:
            given = [await self._waiting.get()]
            await asyncio.sleep(GATHER_SECONDS)
            while not self._waiting.empty():
                given.append(self._waiting.get_nowait())
            await _send(
                [
                    (group, {**message, "group": group})
                    for groups, message in given
                    for group in groups
                ]
            )
            for _ in given:
                self._waiting.task_done()


async def _send(messages: list[tuple[str, dict[str, Any]]]) -> None:
    """Send each group its message, all in one go where the layer can do that."""
    layer = get_channel_layer()
    together = getattr(layer, "groups_send", None)
    for part in [messages] if together else [[one] for one in messages]:
        try:
            await (together(part) if together else layer.group_send(*part[0]))
        except Exception:
            # Watching must never break rendering: the row is the truth, the next event heals.
            groups = ", ".join(group for group, _ in part)
            logger.exception("live events for %s were not delivered", groups)


@cache
def _publisher() -> _Publisher:
    return _Publisher()


def publish(kind: str, groups: Iterable[str], **data: Any) -> None:
    """Tell each group, without waiting. Call it after the commit of what is told.

    A message names the group it came through.
    """
    _publisher().send(groups, {"type": "event", "kind": str(kind), **data})


def drain(timeout: float = 2.0) -> None:
    """Let everything published so far go out; for a process that is about to end."""
    _publisher().drain(timeout)


def publish_job(kind: EventKind, job_id: Any, scope: str) -> None:
    """Tell the watchers of a job, of its caller's scope and of the queue."""
    groups = [job_group(job_id), QUEUE_GROUP, *([scope] if scope else [])]
    publish(kind, groups, job_id=str(job_id))
