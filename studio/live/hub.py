"""The hub of one web process: it subscribes once to each group and renders once for each event.

A viewer never has a backlog: unsent texts are kept by name, and a newer text replaces the older
one. A viewer that acknowledges gets the next batch only after it has shown the last one. A slow
phone therefore gets fewer and newer pictures and does not delay other viewers.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any

from asgiref.sync import sync_to_async
from channels.layers import get_channel_layer

from generation.live.events import QUEUE_GROUP, EventKind
from generation.scheduling.forecast import Forecaster
from studio.accounts.rights import RIGHTS_GROUP
from studio.live import fragments
from studio.live.fragments import Parts, Topic
from studio.live.permits import Permit

logger = logging.getLogger(__name__)

SHORTEST_PAUSE = 0.15
"""Seconds between two batches to one viewer: at most six or seven a second."""

LIST_PAUSE = 5.0
"""Seconds after which the waiting list is sent again while jobs run, because its times change."""

PATIENCE = 10.0
"""Seconds to wait for a viewer's acknowledgement before sending anyway."""


class Viewer:
    """One socket. `send` writes a text to it. Only one batch is being sent at a time."""

    def __init__(
        self, send: Callable[[str], Awaitable[None]], acknowledges: bool, *, begun: bool = True
    ) -> None:
        self._send = send
        self._acknowledges = acknowledges
        self._newest: Parts = {}
        self._pending = asyncio.Event()
        self._shown = asyncio.Event()
        self._begun = asyncio.Event()
        if begun:
            self._begun.set()
        self._pump = asyncio.create_task(self._run())

    def offer(self, parts: Parts) -> None:
        """Add parts to the next batch, in place of unsent ones of the same name."""
        self._newest.update(parts)
        self._pending.set()

    @property
    def has_begun(self) -> bool:
        """False while the page fetches itself; nothing is sent to it until then."""
        return self._begun.is_set()

    def begin(self, current: Parts) -> None:
        """Start sending. `current` is newer than everything that was offered before."""
        self._begun.set()
        self._newest |= current
        if self._newest:
            self._pending.set()

    def acknowledge(self) -> None:
        """Note that the viewer has shown the last batch."""
        self._shown.set()

    async def close(self) -> None:
        """Stop sending."""
        self._pump.cancel()
        with suppress(asyncio.CancelledError):
            await self._pump

    async def _run(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._begun.wait(), PATIENCE)
        while True:
            await self._pending.wait()
            self._pending.clear()
            batch, self._newest = self._newest, {}
            self._shown.clear()
            try:
                await self._send("\n".join(batch.values()))
            except Exception:
                # The socket is closed; its consumer's disconnect removes this viewer.
                logger.info("a viewer disconnected while a batch was sent to it", exc_info=True)
                return
            await asyncio.sleep(SHORTEST_PAUSE)
            if self._acknowledges:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._shown.wait(), PATIENCE)


class Hub:
    """All viewers of this process and their topics. Belongs to one event loop."""

    def __init__(self) -> None:
        self.forecaster = Forecaster()
        self._viewers: dict[Topic, set[Viewer]] = defaultdict(set)
        self._permits: set[Permit] = set()
        self._channel = ""
        self._tasks: list[asyncio.Task[None]] = []
        self._kinds: dict[str, set[str]] = defaultdict(set)
        self._groups: dict[str, set[str]] = defaultdict(set)
        self._changed = asyncio.Event()
        self._lock = asyncio.Lock()
        self._listed_at = 0.0

    async def join(self, viewer: Viewer, topics: Iterable[Topic]) -> None:
        """Let a viewer follow these topics. The caller has checked the permission (`access`)."""
        await self._listen()
        for topic in topics:
            self._viewers[topic].add(viewer)
            await get_channel_layer().group_add(topic.group, self._channel)

    async def begin(self, viewer: Viewer) -> None:
        """Send a viewer the progress of the running jobs, and from then on every change.

        Rendering is serialised by a lock, so that a viewer never gets an older state after a newer
        one.
        """
        topics = [topic for topic, viewers in self._viewers.items() if viewer in viewers]
        async with self._lock:
            viewer.begin(await _running(self.forecaster, topics))

    async def leave(self, viewer: Viewer) -> None:
        """Remove a viewer, and leave the groups that have no viewer any more."""
        for topic in [topic for topic, viewers in self._viewers.items() if viewer in viewers]:
            self._viewers[topic].discard(viewer)
            if not self._viewers[topic]:
                del self._viewers[topic]
                if not any(other.group == topic.group for other in self._viewers):
                    await get_channel_layer().group_discard(topic.group, self._channel)

    def watch(self, permit: Permit) -> None:
        """Tell a permit whenever rights have changed."""
        self._permits.add(permit)

    def forget(self, permit: Permit) -> None:
        """Tell a permit nothing more, because its socket is closed."""
        self._permits.discard(permit)

    async def _listen(self) -> None:
        if not self._tasks:
            self._channel = await get_channel_layer().new_channel()
            await get_channel_layer().group_add(RIGHTS_GROUP, self._channel)
            self._listed_at = _now()
            self._tasks = [
                asyncio.create_task(self._receive()),
                asyncio.create_task(self._render()),
            ]

    async def _receive(self) -> None:
        while True:
            try:
                message = await get_channel_layer().receive(self._channel)
            except Exception:
                # A channel layer that is unavailable for a while must not end the live pages.
                logger.exception("live events could not be received")
                await asyncio.sleep(1)
                continue
            if message["group"] == RIGHTS_GROUP:
                for permit in self._permits:
                    permit.doubt()
                continue
            job_id = message.get("job_id", "")
            self._kinds[job_id].add(message["kind"])
            self._groups[job_id].add(message["group"])
            self._changed.set()

    async def _render(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            for job_id in list(self._kinds):
                kinds, groups = self._kinds.pop(job_id), self._groups.pop(job_id)
                try:
                    async with self._lock:
                        await self._fan_out(job_id, kinds, groups)
                except Exception:
                    logger.exception("rendering the live state of job %s failed", job_id)

    async def _fan_out(self, job_id: str, kinds: set[str], groups: set[str]) -> None:
        topics = [topic for topic in self._viewers if topic.group in groups]
        if not topics:
            return
        for topic, parts in (await _rendered(self.forecaster, job_id, kinds, topics)).items():
            self._offer(topic, parts)
        queue = Topic(QUEUE_GROUP)
        if queue not in topics:
            return
        if kinds != {EventKind.PROGRESS}:
            self._listed_at = _now()
        elif _now() - self._listed_at >= LIST_PAUSE:
            self._listed_at = _now()
            self._offer(queue, await _waiting(self.forecaster))

    def _offer(self, topic: Topic, parts: Parts) -> None:
        for viewer in self._viewers.get(topic, ()):
            viewer.offer(parts)


@sync_to_async
def _rendered(
    forecaster: Forecaster, job_id: str, kinds: set[str], topics: list[Topic]
) -> dict[Topic, Parts]:
    if not job_id:
        queue = [topic for topic in topics if topic.base is None]
        return {topic: fragments.render_queue(forecaster) for topic in queue}
    return fragments.render_job(forecaster, job_id, kinds, topics)


@sync_to_async
def _running(forecaster: Forecaster, topics: list[Topic]) -> Parts:
    return fragments.render_running(forecaster, topics)


@sync_to_async
def _waiting(forecaster: Forecaster) -> Parts:
    return fragments.render_waiting(forecaster)


def _now() -> float:
    return asyncio.get_running_loop().time()


_hubs: dict[Any, Hub] = {}


def hub() -> Hub:
    """The hub of the running event loop. A web process has one loop and so one hub."""
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]
