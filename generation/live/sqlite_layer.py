"""A channel layer without a server: one SQLite table that each process tails.

This is the embedded default. A message is a row. Every process checks for new rows with a cheap
`PRAGMA data_version` every few milliseconds and delivers them to its own subscribers. All processes
must be on one machine with a local disk; several machines use channels_redis by settings.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sqlite3
import threading
import time
import uuid
from collections import defaultdict
from pathlib import Path
from typing import Any

from channels.layers import BaseChannelLayer

PATIENCE_SECONDS = 10
"""How long to wait for a file that another process has locked."""

logger = logging.getLogger(__name__)

REOPEN_SECONDS = 0.5

SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    target TEXT NOT NULL,
    is_group INTEGER NOT NULL,
    body TEXT NOT NULL
)
"""


class SqliteChannelLayer(BaseChannelLayer):
    """A channel layer on a tailed table. Other processes get a message within `poll_seconds`."""

    extensions = ["groups"]

    def __init__(
        self,
        path: str,
        poll_seconds: float = 0.02,
        expiry: int = 60,
        capacity: int = 1000,
        **options: Any,
    ) -> None:
        super().__init__(expiry=expiry, capacity=capacity, **options)
        self.path = Path(path)
        self.poll_seconds = poll_seconds
        self._writing = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._writes = 0
        self._queues: dict[str, tuple[asyncio.AbstractEventLoop, asyncio.Queue[Any]]] = {}
        self._groups: dict[str, set[str]] = defaultdict(set)
        self._tail: threading.Thread | None = None
        self._closed = threading.Event()

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        """Queue a message for one channel of any process."""
        self.require_valid_channel_name(channel)
        await asyncio.to_thread(self._write, [(channel, False, message)])

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """Queue a message for every channel in a group, in all processes."""
        await self.groups_send([(group, message)])

    async def groups_send(self, messages: list[tuple[str, dict[str, Any]]]) -> None:
        """`group_send` for several groups, each with its own message, in one write."""
        for group, _ in messages:
            self.require_valid_group_name(group)
        await asyncio.to_thread(
            self._write, [(group, True, message) for group, message in messages]
        )

    async def new_channel(self, prefix: str = "specific") -> str:
        """A new channel of this process, which receives messages from now on."""
        name = f"{prefix}.{uuid.uuid4().hex}!"
        self._open_channel(name)
        return name

    async def receive(self, channel: str) -> dict[str, Any]:
        """Wait for the next message of a channel."""
        self._open_channel(channel)
        try:
            message: dict[str, Any] = await self._queues[channel][1].get()
        except asyncio.CancelledError:
            self._forget(channel)
            raise
        return message

    async def group_add(self, group: str, channel: str) -> None:
        """Subscribe a channel of this process to a group."""
        self.require_valid_group_name(group)
        self._open_channel(channel)
        self._groups[group].add(channel)

    async def group_discard(self, group: str, channel: str) -> None:
        """Unsubscribe a channel from a group."""
        self._groups[group].discard(channel)
        if not self._groups[group]:
            del self._groups[group]

    async def flush(self) -> None:
        """Drop all messages and subscriptions of this process, for tests."""
        self._queues.clear()
        self._groups.clear()

    def close(self) -> None:
        """Stop the tailing thread and close the file."""
        self._closed.set()
        if self._tail is not None:
            self._tail.join()
        with self._writing:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open_channel(self, channel: str) -> None:
        if channel not in self._queues:
            self._queues[channel] = (asyncio.get_running_loop(), asyncio.Queue(self.capacity))
        if self._tail is None:
            self._start_tail()

    def _forget(self, channel: str) -> None:
        self._queues.pop(channel, None)
        # The tailing thread calls this too, while other threads change the groups.
        for members in list(self._groups.values()):
            members.discard(channel)

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self.path, timeout=PATIENCE_SECONDS, isolation_level=None, check_same_thread=False
        )
        _use_write_ahead_log(connection)
        # Messages are kept for a minute only, so losing them in a power failure is acceptable.
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute(SCHEMA)
        return connection

    def _write(self, messages: list[tuple[str, bool, dict[str, Any]]]) -> None:
        now = time.time()
        rows = [(now, target, is_group, json.dumps(body)) for target, is_group, body in messages]
        with self._writing:
            if self._connection is None:
                self._connection = self._connect()
            with self._connection:
                self._connection.execute("BEGIN IMMEDIATE")
                self._connection.executemany(
                    "INSERT INTO message (at, target, is_group, body) VALUES (?, ?, ?, ?)", rows
                )
            self._writes += 1
            if self._writes % 200 == 1:
                self._connection.execute("DELETE FROM message WHERE at < ?", (now - self.expiry,))

    def _start_tail(self) -> None:
        # The position is read before the thread starts, so that no message after it is missed.
        connection = self._connect()
        position = connection.execute("SELECT COALESCE(MAX(id), 0) FROM message").fetchone()[0]
        self._tail = threading.Thread(
            target=self._follow, args=(connection, position), name="live-tail", daemon=True
        )
        self._tail.start()

    def _follow(self, connection: sqlite3.Connection, position: int) -> None:
        """Deliver new messages until closed. After an error the file is opened again."""
        version = None
        while not self._closed.wait(self.poll_seconds):
            try:
                newest = connection.execute("PRAGMA data_version").fetchone()[0]
                if newest == version:
                    continue
                rows = connection.execute(
                    "SELECT id, target, is_group, body FROM message WHERE id > ? ORDER BY id",
                    (position,),
                ).fetchall()
                version = newest
            except sqlite3.Error:
                logger.exception("live events cannot be read; opening the file again")
                connection.close()
                connection, position = self._reopen(position)
                version = None
                continue
            for number, target, is_group, body in rows:
                position = number
                self._deliver(target, bool(is_group), body)
        connection.close()

    def _reopen(self, position: int) -> tuple[sqlite3.Connection, int]:
        """Retry until connected. If the table is new, its ids start at 1 again."""
        while True:
            self._closed.wait(REOPEN_SECONDS)
            try:
                connection = self._connect()
                newest = connection.execute("SELECT COALESCE(MAX(id), 0) FROM message").fetchone()
            except (sqlite3.Error, OSError):
                logger.exception("the file of live events cannot be opened")
                if self._closed.is_set():
                    return sqlite3.connect(":memory:"), position
            else:
                return connection, min(position, newest[0])

    def _deliver(self, target: str, is_group: bool, body: str) -> None:
        try:
            message = json.loads(body)
        except ValueError:
            logger.exception("a live event for %s is not JSON", target)
            return
        channels = list(self._groups.get(target, ())) if is_group else [target]
        for channel in channels:
            entry = self._queues.get(channel)
            if entry is None:
                continue
            loop, queue = entry
            try:
                loop.call_soon_threadsafe(_offer, queue, dict(message))
            except RuntimeError:
                # The subscriber's event loop is closed.
                self._forget(channel)


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch to WAL, with retries.

    If two processes do this to a new file at once, SQLite refuses one without waiting.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _offer(queue: asyncio.Queue[Any], message: dict[str, Any]) -> None:
    """Add to a queue. A full queue drops its oldest message, because the newest state counts."""
    if queue.full():
        queue.get_nowait()
    queue.put_nowait(message)
