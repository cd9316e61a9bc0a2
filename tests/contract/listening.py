"""Sockets of scripts and pages, connected to the real ASGI application in this process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from urllib.parse import quote

from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.utils import timezone

from generation.live import events
from generation.live.events import EventKind
from generation.models import Job, Progress
from generation.states import Stage
from studio.asgi import protocols

HOST = "testserver"
PATIENCE = 10.0
"""Seconds to wait for something that must come; long, because the machine may be busy."""

QUIET = 0.6
"""Seconds without a message that count as silence: several times the pause between batches."""


@asynccontextmanager
async def listen(
    path: str,
    *,
    session: str = "",
    token: str = "",
    origin: str | None = None,
    host: str = HOST,
    address: str = "127.0.0.1",
) -> AsyncIterator[WebsocketCommunicator]:
    """A socket that was let in; who asks is said by a session, a token or the address."""
    await _settle()
    line = opened(path, session=session, token=token, origin=origin, host=host, address=address)
    accepted, code = await line.connect(PATIENCE)
    assert accepted, code
    await _joined(line)
    try:
        yield line
    finally:
        await line.disconnect(timeout=PATIENCE)


def opened(
    path: str,
    *,
    session: str = "",
    token: str = "",
    origin: str | None = None,
    host: str = HOST,
    address: str = "127.0.0.1",
) -> WebsocketCommunicator:
    """A socket that has not been answered yet."""
    headers = {"host": host}
    if session:
        headers["cookie"] = f"genga_session={session}"
    if token:
        headers["authorization"] = f"Bearer {token}"
    if origin is not None:
        headers["origin"] = origin
    line = WebsocketCommunicator(
        protocols, path, [(name.encode(), text.encode()) for name, text in headers.items()]
    )
    line.scope["client"] = [address, 50000]
    return line


async def refusal(path: str, **who: Any) -> int:
    """The code with which a socket is closed, before or after it was accepted."""
    line = opened(path, **who)
    accepted, code = await line.connect(PATIENCE)
    if accepted:
        closed = await line.receive_output(PATIENCE)
        assert closed["type"] == "websocket.close", closed
        code = closed["code"]
        await line.disconnect(timeout=PATIENCE)
    return int(code)


async def _settle() -> None:
    """Wait until all that was told has arrived: what a test prepared must be no news to it."""
    await asyncio.to_thread(events.drain, PATIENCE)
    layer = get_channel_layer()
    # Messages arrive in the order in which they were written: this one is the last.
    channel = await layer.new_channel()
    await layer.send(channel, {"type": "settled"})
    await asyncio.wait_for(layer.receive(channel), PATIENCE)


async def _joined(line: WebsocketCommunicator) -> None:
    """Wait until the consumer has done all that it does when somebody joins.

    It handles one message after the other and fetches one ahead: when it has taken the second of
    two that mean nothing, it is done with joining.
    """
    for _ in range(2):
        await line.send_to("nothing")
    while not line.input_queue.empty():
        await asyncio.sleep(0.01)


def job_page(job: Job) -> str:
    """The live path of a job's page, painted just now."""
    return live(f"job/{job.pk}")


def live(topic: str, painted: datetime | None = None) -> str:
    """A page's live path; painted just now unless it says when."""
    return f"/ws/live/{topic}/?since={quote((painted or timezone.now()).isoformat())}"


async def heard(line: WebsocketCommunicator) -> str:
    """The next batch of fragments, acknowledged as the page's script does."""
    text = await line.receive_from(PATIENCE)
    await line.send_to("shown")
    return str(text)


async def heard_until(line: WebsocketCommunicator, *wanted: str) -> str:
    """Everything up to the batch after which all of these have been said."""
    told = ""
    while not all(words in told for words in wanted):
        told += await heard(line)
    return told


async def status_heard(line: WebsocketCommunicator) -> dict[str, Any]:
    """The next status object."""
    return dict(json.loads(await line.receive_from(PATIENCE)))


@database_sync_to_async
def report_step(job: Job, step: int, preview: bytes | None = None) -> None:
    """Tell a step as the worker's reporter does."""
    Progress.objects.filter(pk=job.pk).update(
        stage=Stage.DENOISE,
        steps_complete=step,
        percent=10.0 * step,
        preview=preview,
        updated_at=timezone.now(),
    )
    events.publish_job(EventKind.PROGRESS, job.pk, job.scope)
