"""Live events: kinds, group names and publishing on the channel layer.

A message holds only the job's id and the kind of change. Receivers read the row, so they always
show the newest state, and a lost message only delays an update. `job.progress` is only published;
every other kind is also a JobEvent row, written by `generation.queue.lifecycle`.
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
"""Messages published within this time are sent together."""

job_waiting = Signal()
"""Sent with `job_id` after a waiting job was committed, so that idle workers are woken."""


class EventKind(StrEnum):
    """Kinds of job events. The values are used in the history and on sockets."""

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
    TRASHED = "job.trashed"
    RESTORED = "job.restored"
    FREED = "job.freed"

    @property
    def label(self) -> str:
        """The text in the job's history."""
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
            "job.trashed": "Moved to the trash",
            "job.restored": "Restored from the trash",
            "job.freed": "Its files were deleted",
        }[self.value]


def job_group(job_id: Any) -> str:
    """The group that receives all events of one job."""
    return f"job.{job_id}"


def person_group(user_id: int | None) -> str:
    """The group that receives what becomes of one person's renders."""
    return f"person.{user_id}"


class _Publisher:
    """An event loop in its own thread, so that publishing never blocks a render.

    Channel layers are asynchronous and workers are not. Messages are sent in order, after a short
    delay in which more are gathered, so the caller can continue undisturbed.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._waiting: asyncio.Queue[tuple[list[str], dict[str, Any]]] = asyncio.Queue()
        threading.Thread(target=self._run, name="publisher", daemon=True).start()

    def send(self, groups: Iterable[str], message: dict[str, Any]) -> None:
        """Append a message to the queue, and return immediately."""
        self._loop.call_soon_threadsafe(self._waiting.put_nowait, (list(groups), message))

    def drain(self, timeout: float) -> None:
        """Wait until all queued messages are sent, at most `timeout` seconds."""
        sent = asyncio.run_coroutine_threadsafe(self._waiting.join(), self._loop)
        with suppress(TimeoutError):
            sent.result(timeout)

    def _run(self) -> None:
        self._loop.run_until_complete(self._send_all())

    async def _send_all(self) -> None:
        while True:
            queued = [await self._waiting.get()]
            await asyncio.sleep(GATHER_SECONDS)
            while not self._waiting.empty():
                queued.append(self._waiting.get_nowait())
            await _send(
                [
                    (group, {**message, "group": group})
                    for groups, message in queued
                    for group in groups
                ]
            )
            for _ in queued:
                self._waiting.task_done()


async def _send(messages: list[tuple[str, dict[str, Any]]]) -> None:
    """Send each group its message, in one call if the layer has `groups_send`."""
    layer = get_channel_layer()
    together = getattr(layer, "groups_send", None)
    for part in [messages] if together else [[message] for message in messages]:
        try:
            await (together(part) if together else layer.group_send(*part[0]))
        except Exception:
            # A live event must never break a render: the next event shows the new state.
            groups = ", ".join(group for group, _ in part)
            logger.exception("live events for %s were not delivered", groups)


@cache
def _publisher() -> _Publisher:
    return _Publisher()


def publish(kind: str, groups: Iterable[str], **data: Any) -> None:
    """Send an event to each group, without waiting. Call it after the commit of the change.

    A message includes the name of the group that it was sent to.
    """
    _publisher().send(groups, {"type": "event", "kind": str(kind), **data})


def drain(timeout: float = 2.0) -> None:
    """Wait until all published events are sent, before a process ends."""
    if _publisher.cache_info().currsize:
        _publisher().drain(timeout)


def publish_job(kind: EventKind, job_id: Any, scope: str, owner_id: int | None = None) -> None:
    """Publish an event to the groups of the job, of its scope, of its owner and of the queue.

    Progress has no `owner_id`: people are told only what becomes of their renders.
    """
    groups = [job_group(job_id), QUEUE_GROUP, *([scope] if scope else [])]
    if owner_id is not None:
        groups.append(person_group(owner_id))
    publish(kind, groups, job_id=str(job_id))
