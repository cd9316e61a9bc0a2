"""The SQLite channel layer with two processes and one file."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from generation.live import sqlite_layer
from generation.live.sqlite_layer import SqliteChannelLayer
from tests.generation.processes import wait_until

MESSAGES = 300
OTHER_PROCESS = """
import asyncio, sys, time
from generation.live.sqlite_layer import SqliteChannelLayer

async def send(path, group, count, start):
    layer = SqliteChannelLayer(path)
    time.sleep(max(0.0, start - time.time()))
    for number in range(count):
        await layer.group_send(group, {"type": "event", "number": number})
    layer.close()

asyncio.run(send(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "live.sqlite3"


@pytest.fixture
def layer(path: Path) -> Iterator[SqliteChannelLayer]:
    layer = SqliteChannelLayer(str(path))
    yield layer
    layer.close()


async def next_of(layer: SqliteChannelLayer, channel: str) -> dict[str, Any]:
    return await asyncio.wait_for(layer.receive(channel), 20)


async def listener(layer: SqliteChannelLayer, *groups: str) -> str:
    channel = await layer.new_channel()
    for group in groups:
        await layer.group_add(group, channel)
    return channel


@pytest.mark.asyncio
async def test_messages_of_another_process_arrive_in_order(layer: SqliteChannelLayer) -> None:
    channel = await listener(layer, "queue")

    sender = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        OTHER_PROCESS,
        str(layer.path),
        "queue",
        str(MESSAGES),
        "0",
        cwd=settings.BASE_DIR,
    )
    heard = [(await next_of(layer, channel))["number"] for _ in range(MESSAGES)]

    assert await sender.wait() == 0
    assert heard == list(range(MESSAGES))


def test_processes_that_open_a_new_file_at_once_can_all_send(path: Path) -> None:
    start = str(time.time() + 1.0)
    senders = [
        subprocess.Popen(
            [sys.executable, "-c", OTHER_PROCESS, str(path), f"group{number}", "100", start],
            cwd=settings.BASE_DIR,
        )
        for number in range(4)
    ]

    assert [sender.wait(60) for sender in senders] == [0, 0, 0, 0]
    with sqlite3.connect(path) as connection:
        counts = connection.execute("SELECT target, COUNT(*) FROM message GROUP BY target")
        assert dict(counts.fetchall()) == {f"group{number}": 100 for number in range(4)}


def test_a_locked_new_file_is_waited_for(path: Path, layer: SqliteChannelLayer) -> None:
    path.parent.mkdir()
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE theirs (id INTEGER)")
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.2, other.rollback).start()

    asyncio.run(layer.group_send("queue", {"type": "event"}))

    assert other.execute("SELECT COUNT(*) FROM message").fetchone() == (1,)
    other.close()


def test_a_file_that_stays_locked_is_an_error(
    path: Path, layer: SqliteChannelLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_layer, "PATIENCE_SECONDS", 0.1)
    path.parent.mkdir()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        asyncio.run(layer.group_send("queue", {"type": "event"}))

    other.close()


@pytest.mark.asyncio
async def test_a_message_for_a_channel_reaches_that_channel_only(
    layer: SqliteChannelLayer,
) -> None:
    first, second = await layer.new_channel(), await layer.new_channel("page")
    assert second.startswith("page.")

    await layer.send(first, {"type": "event", "to": "first"})
    await layer.send(second, {"type": "event", "to": "second"})

    assert (await next_of(layer, first))["to"] == "first"
    assert (await next_of(layer, second))["to"] == "second"


@pytest.mark.asyncio
async def test_a_group_message_reaches_only_the_members(layer: SqliteChannelLayer) -> None:
    member, other_member = await listener(layer, "job.1"), await listener(layer, "job.1")
    stranger = await listener(layer, "job.2")

    await layer.group_send("job.1", {"type": "event", "about": 1})
    await layer.group_send("job.2", {"type": "event", "about": 2})

    assert (await next_of(layer, member))["about"] == 1
    assert (await next_of(layer, other_member))["about"] == 1
    assert (await next_of(layer, stranger))["about"] == 2


@pytest.mark.asyncio
async def test_a_channel_that_left_a_group_gets_no_more_messages(layer: SqliteChannelLayer) -> None:
    channel = await listener(layer, "job.1", "job.2")

    await layer.group_discard("job.1", channel)
    await layer.group_discard("never.joined", channel)
    await layer.group_send("job.1", {"type": "event", "about": 1})
    await layer.group_send("job.2", {"type": "event", "about": 2})

    assert (await next_of(layer, channel))["about"] == 2


@pytest.mark.asyncio
async def test_one_of_two_members_may_leave(layer: SqliteChannelLayer) -> None:
    leaving, staying = await listener(layer, "job.1"), await listener(layer, "job.1")

    await layer.group_discard("job.1", leaving)
    await layer.group_send("job.1", {"type": "event"})

    assert await next_of(layer, staying) == {"type": "event"}


@pytest.mark.asyncio
async def test_messages_before_a_subscription_are_not_received(
    layer: SqliteChannelLayer, path: Path
) -> None:
    earlier = SqliteChannelLayer(str(path))
    await earlier.group_send("queue", {"type": "event", "number": 1})
    channel = await listener(layer, "queue")

    await earlier.group_send("queue", {"type": "event", "number": 2})

    assert (await next_of(layer, channel))["number"] == 2
    earlier.close()


@pytest.mark.asyncio
async def test_a_slow_listener_keeps_the_newest_messages(path: Path) -> None:
    layer = SqliteChannelLayer(str(path), capacity=3)
    slow = await listener(layer, "queue")
    quick = await listener(layer, "queue")

    for number in range(10):
        await layer.group_send("queue", {"type": "event", "number": number})
        assert (await next_of(layer, quick))["number"] == number

    # The last message may reach one listener before the other.
    await asyncio.sleep(0.1)
    assert [(await next_of(layer, slow))["number"] for _ in range(3)] == [7, 8, 9]
    layer.close()


@pytest.mark.asyncio
async def test_old_messages_are_pruned_as_new_ones_are_written(path: Path) -> None:
    layer = SqliteChannelLayer(str(path), expiry=60)
    await layer.group_send("queue", {"type": "event"})
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE message SET at = at - 61")

    for _ in range(200):
        await layer.group_send("queue", {"type": "event"})

    with sqlite3.connect(path) as connection:
        ((count, oldest),) = connection.execute("SELECT COUNT(*), MIN(id) FROM message")
    assert (count, oldest) == (200, 2)
    layer.close()


@pytest.mark.asyncio
async def test_a_cancelled_listener_is_removed(layer: SqliteChannelLayer) -> None:
    leaving, staying = await listener(layer, "queue"), await listener(layer, "queue")
    waiting = asyncio.create_task(layer.receive(leaving))
    await asyncio.sleep(0)

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await layer.group_send("queue", {"type": "event"})

    assert await next_of(layer, staying) == {"type": "event"}
    assert leaving not in layer._queues
    assert layer._groups["queue"] == {staying}


def test_a_listener_with_a_closed_loop_is_removed(layer: SqliteChannelLayer) -> None:
    channel = asyncio.run(listener(layer, "queue"))

    asyncio.run(layer.group_send("queue", {"type": "event"}))

    wait_until(lambda: channel not in layer._queues, "the channel is forgotten")
    assert layer._tail is not None
    assert layer._tail.is_alive()


@pytest.mark.asyncio
async def test_flush_removes_all_subscriptions(layer: SqliteChannelLayer) -> None:
    channel = await listener(layer, "queue")

    await layer.flush()
    await layer.group_send("queue", {"type": "event"})

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(layer.receive(channel), 0.2)


@pytest.mark.asyncio
async def test_close_ends_the_tailing_thread(path: Path) -> None:
    # Layers of other tests may have tailing threads meanwhile.
    others = set(threading.enumerate())
    layer = SqliteChannelLayer(str(path))
    await layer.new_channel()
    await layer.send("some.channel", {"type": "event"})
    (tail,) = [t for t in set(threading.enumerate()) - others if t.name == "live-tail"]

    layer.close()

    assert not tail.is_alive()
    SqliteChannelLayer(str(path)).close()


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["", "with space", "x" * 200, "slash/ed"])
async def test_invalid_names_are_refused(name: str, layer: SqliteChannelLayer) -> None:
    with pytest.raises(TypeError):
        await layer.group_send(name, {"type": "event"})
    with pytest.raises(TypeError):
        await layer.group_add(name, "some.channel")
    with pytest.raises(TypeError):
        await layer.send(name, {"type": "event"})


@pytest.mark.asyncio
async def test_an_invalid_message_does_not_stop_later_messages(
    layer: SqliteChannelLayer,
) -> None:
    channel = await listener(layer, "queue")
    with sqlite3.connect(layer.path) as connection:
        connection.execute(
            "INSERT INTO message (at, target, is_group, body) VALUES (?, 'queue', 1, '{')",
            (time.time(),),
        )

    await layer.group_send("queue", {"type": "event", "number": 2})

    assert (await next_of(layer, channel))["number"] == 2


@pytest.mark.asyncio
async def test_a_deleted_table_is_created_again_and_followed(layer: SqliteChannelLayer) -> None:
    channel = await listener(layer, "queue")
    await layer.group_send("queue", {"type": "event", "number": 1})
    assert (await next_of(layer, channel))["number"] == 1

    with sqlite3.connect(layer.path) as connection:
        connection.execute("DROP TABLE message")
    with sqlite3.connect(layer.path) as connection:
        tables = "SELECT COUNT(*) FROM sqlite_master WHERE name = 'message'"
        wait_until(lambda: connection.execute(tables).fetchone()[0], "the table was made anew")
    await layer.group_send("queue", {"type": "event", "number": 2})

    assert (await next_of(layer, channel))["number"] == 2
