"""Publishing of live events."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from channels.layers import get_channel_layer

from generation.live import events
from generation.live.events import EventKind
from tests.generation.processes import wait_until

MESSAGES = 300


async def channel_in(*groups: str) -> tuple[Any, str]:
    layer = get_channel_layer()
    channel = await layer.new_channel()
    for group in groups:
        await layer.group_add(group, channel)
    return layer, channel


@pytest.mark.asyncio
async def test_a_published_event_reaches_a_channel() -> None:
    layer, channel = await channel_in("device.test")

    events.publish("device.online", ["device.test"], device="cpu:0")

    message = await asyncio.wait_for(layer.receive(channel), 20)
    assert message == {
        "type": "event",
        "kind": "device.online",
        "group": "device.test",
        "device": "cpu:0",
    }


@pytest.mark.asyncio
async def test_a_jobs_event_reaches_its_watchers_its_scope_and_the_queue() -> None:
    job_id = uuid4()
    groups = [events.job_group(job_id), "project.test", events.QUEUE_GROUP]
    ears = [await channel_in(group) for group in groups]

    events.publish_job(EventKind.COMPLETED, job_id, "project.test")

    for group, (layer, channel) in zip(groups, ears, strict=True):
        message = await asyncio.wait_for(layer.receive(channel), 20)
        assert (message["kind"], message["job_id"]) == ("job.completed", str(job_id))
        assert message["group"] == group, "a message names its group"


@pytest.mark.asyncio
async def test_events_arrive_in_the_order_in_which_they_were_published() -> None:
    layer, channel = await channel_in("order.test")

    for number in range(MESSAGES):
        events.publish("job.progress", ["order.test"], number=number)

    heard = [
        (await asyncio.wait_for(layer.receive(channel), 20))["number"] for _ in range(MESSAGES)
    ]
    assert heard == list(range(MESSAGES))


def test_an_error_of_the_layer_is_logged_and_not_raised(
    settings: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "generation.live.sqlite_layer.SqliteChannelLayer",
            "CONFIG": {"path": str(tmp_path / "file" / "live.sqlite3")},
        }
    }

    with caplog.at_level(logging.ERROR, logger="generation.live.events"):
        events.publish("device.online", ["one.group", "other.group"])
        wait_until(lambda: caplog.records, "the loss was logged")

    assert "live events for one.group, other.group were not delivered" in caplog.text


def test_a_layer_without_groups_send_loses_only_the_failed_message(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}

    with caplog.at_level(logging.ERROR, logger="generation.live.events"):
        events.publish("device.online", ["no group!", "one.group"])
        wait_until(lambda: caplog.records, "the loss was logged")
        events.drain()

    assert [record.args for record in caplog.records] == [("no group!",)]


def test_without_any_layer_nothing_is_raised(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.CHANNEL_LAYERS = {}

    with caplog.at_level(logging.ERROR, logger="generation.live.events"):
        events.publish("device.online", ["one.group"])
        wait_until(lambda: caplog.records, "the loss was logged")


@pytest.mark.parametrize("kind", EventKind)
def test_every_kind_has_a_label(kind: EventKind) -> None:
    assert kind.label
    assert kind.value.startswith("job.")


def test_the_labels_of_all_kinds_differ() -> None:
    assert len({kind.label for kind in EventKind}) == len(EventKind)
