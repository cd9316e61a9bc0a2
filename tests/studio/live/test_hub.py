"""The hub renders once for all viewers, sends only the newest state, and no viewer delays another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import pytest
import pytest_asyncio
from channels.layers import InMemoryChannelLayer

from generation.scheduling.forecast import Forecaster
from studio.accounts.rights import RIGHTS_GROUP
from studio.live import hub as hubs
from studio.live.fragments import Parts, Topic
from studio.live.hub import Hub, Viewer, hub

pytestmark = pytest.mark.asyncio

QUEUE, PROJECT = Topic("queue"), Topic("project.1")
PATIENCE = 5.0
"""Seconds after which a test fails. A passing test never waits that long."""


class Screen:
    """Collects the batches that a viewer sends."""

    def __init__(self) -> None:
        self.batches: list[str] = []
        self._arrived = asyncio.Condition()

    async def show(self, text: str) -> None:
        async with self._arrived:
            self.batches.append(text)
            self._arrived.notify_all()

    async def wait_for(self, count: int) -> list[str]:
        async with self._arrived, asyncio.timeout(PATIENCE):
            await self._arrived.wait_for(lambda: len(self.batches) >= count)
        return self.batches


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hubs, "SHORTEST_PAUSE", 0.01)


@pytest.fixture
def screen() -> Screen:
    return Screen()


@pytest_asyncio.fixture
async def viewer(screen: Screen) -> AsyncIterator[Viewer]:
    """A page's viewer, which gets the next batch after acknowledging the last one."""
    viewer = Viewer(screen.show, acknowledges=True)
    yield viewer
    await viewer.close()


async def test_offered_parts_are_sent_to_the_viewer(viewer: Viewer, screen: Screen) -> None:
    viewer.offer({"a": "<p>1</p>", "b": "<p>2</p>"})

    assert await screen.wait_for(1) == ["<p>1</p>\n<p>2</p>"]


async def test_a_slow_viewer_gets_the_newest_part_of_each_name_and_no_backlog(
    viewer: Viewer, screen: Screen
) -> None:
    viewer.offer({"bar": "10 %"})
    await screen.wait_for(1)
    for percent in (20, 30, 40):
        viewer.offer({"bar": f"{percent} %"})
    viewer.offer({"picture": "preview"})
    viewer.acknowledge()

    assert await screen.wait_for(2) == ["10 %", "40 %\npreview"]


async def test_a_viewer_that_fetches_itself_gets_the_current_state_afterwards(
    screen: Screen,
) -> None:
    viewer = Viewer(screen.show, acknowledges=True, begun=False)
    viewer.offer({"bar": "10 %", "state": "Rendering"})
    await asyncio.sleep(0.05)
    assert screen.batches == []

    viewer.begin({"bar": "20 %"})

    assert await screen.wait_for(1) == ["20 %\nRendering"]
    assert viewer.has_begun
    await viewer.close()


async def test_a_viewer_that_never_acknowledges_gets_the_next_batch_after_a_while(
    screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "PATIENCE", 0.05)
    viewer = Viewer(screen.show, acknowledges=True)
    viewer.offer({"bar": "10 %"})
    await screen.wait_for(1)
    viewer.offer({"bar": "20 %"})

    assert await screen.wait_for(2) == ["10 %", "20 %"]
    await viewer.close()


async def test_a_script_gets_every_batch_without_acknowledging(screen: Screen) -> None:
    viewer = Viewer(screen.show, acknowledges=False)
    viewer.offer({"status": "queued"})
    await screen.wait_for(1)
    viewer.offer({"status": "processing"})

    assert await screen.wait_for(2) == ["queued", "processing"]
    await viewer.close()


async def test_a_closed_socket_ends_only_its_viewer() -> None:
    tried = asyncio.Event()

    async def fail(_: str) -> None:
        tried.set()
        raise ConnectionError("the socket is gone")

    viewer = Viewer(fail, acknowledges=True)
    viewer.offer({"bar": "10 %"})
    async with asyncio.timeout(PATIENCE):
        await tried.wait()
        await viewer._pump
    await viewer.close()


Tell = Callable[..., Any]


@pytest.fixture
def layer(monkeypatch: pytest.MonkeyPatch) -> InMemoryChannelLayer:
    layer = InMemoryChannelLayer()
    monkeypatch.setattr(hubs, "get_channel_layer", lambda: layer)
    return layer


@pytest.fixture
def rendered(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, set[str]]]:
    """The renderings so far; each rendered text names the job and its topic."""
    done: list[tuple[str, set[str]]] = []

    async def render(
        _: Forecaster, job_id: str, kinds: set[str], topics: Iterable[Topic]
    ) -> dict[Topic, Parts]:
        done.append((job_id, kinds))
        if job_id == "broken":
            raise RuntimeError("a template is broken")
        return {topic: {job_id: f"{topic.group}: {job_id}"} for topic in topics}

    monkeypatch.setattr(hubs, "_rendered", render)
    return done


@pytest.fixture
def tell(layer: InMemoryChannelLayer) -> Tell:
    """Publish an event as a worker would: `await tell("queue", "job-1")`."""

    async def publish(group: str, job_id: str, kind: str = "job.progress") -> None:
        message = {"type": "event", "kind": kind, "group": group, "job_id": job_id}
        await layer.group_send(group, message)

    return publish


@pytest_asyncio.fixture
async def watched(layer: InMemoryChannelLayer) -> AsyncIterator[Hub]:
    watched = Hub()
    yield watched
    for task in watched._tasks:
        task.cancel()


async def test_an_event_is_rendered_once_for_all_viewers_of_a_topic(
    watched: Hub, rendered: list[Any], tell: Tell
) -> None:
    screens = [Screen() for _ in range(3)]
    viewers = [Viewer(screen.show, acknowledges=True) for screen in screens]
    for viewer in viewers:
        await watched.join(viewer, [QUEUE])
    await tell("queue", "job-1")

    assert [await screen.wait_for(1) for screen in screens] == [["queue: job-1"]] * 3
    assert rendered == [("job-1", {"job.progress"})]
    for viewer in viewers:
        await viewer.close()


async def test_a_viewer_gets_nothing_of_groups_it_did_not_join(
    watched: Hub, rendered: list[Any], tell: Tell, viewer: Viewer, screen: Screen
) -> None:
    await watched.join(viewer, [PROJECT])
    await tell("queue", "job-1")
    await tell("project.1", "job-2")

    assert await screen.wait_for(1) == ["project.1: job-2"]
    assert rendered == [("job-2", {"job.progress"})]


async def test_a_viewer_that_left_gets_nothing_and_its_group_is_left(
    watched: Hub, rendered: list[Any], tell: Tell, viewer: Viewer, layer: InMemoryChannelLayer
) -> None:
    other_screen = Screen()
    other = Viewer(other_screen.show, acknowledges=True)
    await watched.join(viewer, [QUEUE, PROJECT])
    await watched.join(other, [QUEUE])
    await watched.leave(viewer)

    assert set(layer.groups) == {"queue", RIGHTS_GROUP}
    await watched.leave(other)
    assert set(layer.groups) == {RIGHTS_GROUP}, "changes of rights are always heard"
    await other.close()


async def test_events_during_a_rendering_cause_exactly_one_more(
    watched: Hub, tell: Tell, viewer: Viewer, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    going_on, done = asyncio.Event(), []
    started = asyncio.Event()

    async def render(
        _: Forecaster, job_id: str, kinds: set[str], topics: Iterable[Topic]
    ) -> dict[Topic, Parts]:
        started.set()
        await going_on.wait()
        done.append(kinds)
        return {topic: {"job": f"rendering {len(done)}"} for topic in topics}

    monkeypatch.setattr(hubs, "_rendered", render)
    await watched.join(viewer, [QUEUE])
    await tell("queue", "job-1")
    await started.wait()
    await tell("queue", "job-1")
    await tell("queue", "job-1", "job.completed")
    while len(watched._kinds.get("job-1", ())) < 2:
        await asyncio.sleep(0)
    going_on.set()
    viewer.acknowledge()

    await screen.wait_for(1)
    viewer.acknowledge()
    assert (await screen.wait_for(1))[-1].startswith("rendering")
    assert done == [{"job.progress"}, {"job.progress", "job.completed"}]


async def test_progress_sends_the_waiting_list_every_few_seconds(
    watched: Hub,
    rendered: list[Any],
    tell: Tell,
    viewer: Viewer,
    screen: Screen,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def waiting(_: Forecaster) -> Parts:
        return {"waiting": "<ol>"}

    monkeypatch.setattr(hubs, "_waiting", waiting)
    await watched.join(viewer, [QUEUE])
    shown: list[str] = []
    for age, kind in (
        (0.0, "job.progress"),
        (hubs.LIST_PAUSE, "job.progress"),
        (0.0, "job.progress"),
        (hubs.LIST_PAUSE, "job.claimed"),
        (0.0, "job.progress"),
    ):
        # Move the time of the last list into the past.
        watched._listed_at -= age
        await tell("queue", "job-1", kind)
        shown.append((await screen.wait_for(len(shown) + 1))[-1])
        viewer.acknowledge()

    bar = "queue: job-1"
    # A change of state includes the list, so the next progress does not send it.
    assert shown == [bar, f"{bar}\n<ol>", bar, bar, bar]


async def test_a_failing_fragment_does_not_stop_the_hub(
    watched: Hub, rendered: list[Any], tell: Tell, viewer: Viewer, screen: Screen
) -> None:
    await watched.join(viewer, [QUEUE])
    await tell("queue", "broken")
    await tell("queue", "job-2")

    assert await screen.wait_for(1) == ["queue: job-2"]


async def test_an_unavailable_channel_layer_is_retried(
    watched: Hub,
    rendered: list[Any],
    tell: Tell,
    viewer: Viewer,
    screen: Screen,
    layer: InMemoryChannelLayer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    receive, failures = layer.receive, [ConnectionError("the server restarts")]

    async def fail_once(channel: str) -> Any:
        if failures:
            raise failures.pop()
        return await receive(channel)

    monkeypatch.setattr(layer, "receive", fail_once)
    await watched.join(viewer, [QUEUE])
    await tell("queue", "job-1")

    assert await screen.wait_for(1) == ["queue: job-1"]


async def test_a_process_has_one_hub() -> None:
    assert hub() is hub()


async def test_an_event_without_a_job_renders_the_queue(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hubs.fragments, "render_queue", lambda _: {"devices": "<section>"})

    shown = await hubs._rendered(Forecaster(), "", {"device.online"}, [QUEUE])

    assert shown == {QUEUE: {"devices": "<section>"}}
