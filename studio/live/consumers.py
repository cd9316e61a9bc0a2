"""WebSocket consumers: live fragments for pages, live JSON for scripts."""

import json
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from generation.live.events import QUEUE_GROUP, job_group, person_group
from generation.models import JobEvent
from generation.scheduling.forecast import Forecaster
from studio.accounts import access
from studio.live.fragments import Topic
from studio.live.hub import Viewer, hub
from studio.live.notices import missed
from studio.live.permits import FORBIDDEN, OPEN_AGAIN, Permit
from studio.models import Project, Review
from studio.presentation.status import job_status

REFRESH = "refresh"
"""Sent to a page that missed a change since its paint. The page fetches its live part again."""

ACKNOWLEDGED = "shown"
UNKNOWN = 4404


class FollowingConsumer(AsyncWebsocketConsumer):
    """A socket that follows topics of the hub while its person has the right to them."""

    viewer: Viewer | None = None
    permit: Permit | None = None

    async def follow(self, topics: Iterable[Topic], *, acknowledges: bool, begun: bool) -> Viewer:
        """Join the hub. Everything that the hub sends goes through the permit."""
        self.permit = Permit(self._write, self.refusal, self.close)
        hub().watch(self.permit)
        self.viewer = Viewer(self.permit.deliver, acknowledges=acknowledges, begun=begun)
        await hub().join(self.viewer, topics)
        return self.viewer

    async def refusal(self) -> int | None:
        """The code to close with, because the person may not follow the topics now; else None."""
        raise NotImplementedError

    async def disconnect(self, code: int) -> None:
        """Remove the viewer from the hub."""
        if self.permit is not None:
            hub().forget(self.permit)
            await self.permit.end()
        if self.viewer is not None:
            await hub().leave(self.viewer)
            await self.viewer.close()

    async def _write(self, text: str) -> None:
        await self.send(text_data=text)


class PageConsumer(FollowingConsumer):
    """Live fragments of one page: the queue, a project, a job, or only the person's notices."""

    groups_joined: frozenset[str] = frozenset()

    async def connect(self) -> None:
        """Join the groups that the user may see. Send REFRESH when the page missed a change."""
        self.groups_joined = await self._groups(lambda: self.scope["user"])
        await self.accept()
        if not self.groups_joined:
            # Accept first, so that the page receives the code and does not reconnect.
            await self.close(code=FORBIDDEN)
            return
        # What becomes of the person's own renders is told on every page.
        followed = self.groups_joined | {person_group(self.scope["user"].pk)}
        topics = [Topic(group) for group in followed]
        viewer = await self.follow(topics, acknowledges=True, begun=False)
        painted = _painted(self.scope.get("query_string", b""))
        if painted and (notices := await _missed(self.scope["user"], painted)):
            viewer.offer(notices)
        if painted is None or await _has_changed(self.groups_joined, painted):
            # Anything sent before the page has fetched itself would be overwritten by older state.
            await self.send(text_data=REFRESH)
        else:
            await hub().begin(viewer)

    async def _write(self, text: str) -> None:
        """Send fragments with the server's time, by which the page counts down.

        The time is no part of the page: its id is nowhere on it.
        """
        told = f'<i id="sent" data-server-time="{timezone.now().isoformat()}"></i>'
        await super()._write(f"{text}\n{told}")

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Handle the acknowledgement of a batch or of a refresh; ignore anything else."""
        if text_data == ACKNOWLEDGED and self.viewer is not None:
            if not self.viewer.has_begun:
                await hub().begin(self.viewer)
            self.viewer.acknowledge()

    async def refusal(self) -> int | None:
        """FORBIDDEN without any group; OPEN_AGAIN when the person may see other groups now."""
        groups = await self._groups(self.scope["identify"])
        if groups == self.groups_joined:
            return None
        return OPEN_AGAIN if groups else FORBIDDEN

    async def _groups(self, identify: Callable[[], Any]) -> frozenset[str]:
        route = self.scope["url_route"]["kwargs"]
        return await _page_groups(identify, route["topic"], route.get("key", ""))


class JobConsumer(FollowingConsumer):
    """The status object of one job as JSON: the current state, then every change."""

    async def connect(self) -> None:
        """Close with 4403 without a user, with 4404 for a job that the user may not see."""
        user, job_id = self.scope["user"], self._job_id
        await self.accept()
        if not user.is_authenticated:
            await self.close(code=FORBIDDEN)
            return
        base = self._base()
        if await _status(hub().forecaster, user, job_id, base) is None:
            await self.close(code=UNKNOWN)
            return
        topics = [Topic(job_group(job_id), base)]
        viewer = await self.follow(topics, acknowledges=False, begun=True)
        # Read after joining: a change in between is sent twice rather than never.
        current = await _status(hub().forecaster, user, job_id, base)
        viewer.offer({"status": json.dumps(current)})

    async def refusal(self) -> int | None:
        """FORBIDDEN when the person may not see the job any more."""
        return None if await _may_see(self.scope["identify"], self._job_id) else FORBIDDEN

    @property
    def _job_id(self) -> str:
        return str(self.scope["url_route"]["kwargs"]["job_id"])

    def _base(self) -> str:
        """Scheme and host of the request, for URLs in the status."""
        headers = dict(self.scope["headers"])
        scheme = "https" if self.scope.get("scheme") == "wss" else "http"
        return f"{scheme}://{headers[b'host'].decode('latin1')}"


class NowhereConsumer(AsyncWebsocketConsumer):
    """Closes sockets at unknown addresses with 4404."""

    async def connect(self) -> None:
        """Accept first, so that the caller receives the code."""
        await self.accept()
        await self.close(code=UNKNOWN)


@database_sync_to_async
def _page_groups(identify: Callable[[], Any], topic: str, key: str) -> frozenset[str]:
    user = identify()
    # Not every database can look for a NUL.
    group = None if "\0" in key else access.may_join(user, topic, key)
    if group is None:
        return frozenset()
    if group != QUEUE_GROUP:
        return frozenset({group})
    # The queue's group carries no pictures; the dashboard gets those from the user's projects.
    return frozenset({group, *(project.group for project in Project.objects.visible_to(user))})


@database_sync_to_async
def _may_see(identify: Callable[[], Any], job_id: str) -> bool:
    return access.visible_jobs(identify()).filter(pk=job_id).exists()


@database_sync_to_async
def _has_changed(groups: Collection[str], since: datetime) -> bool:
    jobs = {group.removeprefix("job.") for group in groups if group.startswith("job.")}
    relevant = Q(job__scope__in=groups) | Q(job__in=jobs)
    if QUEUE_GROUP in groups:
        relevant = Q()
    if JobEvent.objects.filter(relevant, at__gte=since).exists():
        return True
    reviews = Review.objects.filter(Q(requested_at__gte=since) | Q(decided_at__gte=since))
    return reviews.exists()


@database_sync_to_async
def _missed(user: Any, painted: datetime) -> dict[str, str]:
    return missed(user, painted)


@database_sync_to_async
def _status(forecaster: Forecaster, user: Any, job_id: str, base: str) -> dict[str, Any] | None:
    job = access.visible_jobs(user).for_pages().filter(pk=job_id).first()
    return None if job is None else job_status(forecaster, job, base=base)


def _painted(query: bytes) -> datetime | None:
    """When the page was painted, in UTC, from its `since` parameter; None without a valid one."""
    _, _, text = query.decode("latin1").partition("since=")
    try:
        painted = parse_datetime(unquote(text))
        return painted.astimezone(UTC) if painted and painted.tzinfo else None
    except (ValueError, OverflowError):
        return None
