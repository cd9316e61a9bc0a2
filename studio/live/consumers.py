"""WebSocket consumers: live fragments for pages, live JSON for scripts."""

import json
from datetime import datetime
from typing import Any

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db.models import Q
from django.utils.dateparse import parse_datetime

from generation.live.events import QUEUE_GROUP, job_group
from generation.models import JobEvent
from generation.scheduling.forecast import Forecaster
from studio.accounts import access
from studio.live.fragments import Topic
from studio.live.hub import Viewer, hub
from studio.models import Project, Review
from studio.presentation.status import job_status

REFRESH = "refresh"
"""Sent to a page that missed a change since its paint. The page fetches its live part again."""

ACKNOWLEDGED = "shown"
FORBIDDEN, UNKNOWN = 4403, 4404


class PageConsumer(AsyncWebsocketConsumer):
    """Live fragments of one page: the queue, a project or a job."""

    viewer: Viewer | None = None

    async def connect(self) -> None:
        """Join the groups that the user may see. Send REFRESH when the page missed a change."""
        route = self.scope["url_route"]["kwargs"]
        groups = await _page_groups(self.scope["user"], route["topic"], route.get("key", ""))
        await self.accept()
        if not groups:
            # Accept first, so that the page receives the code and does not reconnect.
            await self.close(code=FORBIDDEN)
            return
        self.viewer = Viewer(lambda text: self.send(text_data=text), acknowledges=True, begun=False)
        await hub().join(self.viewer, [Topic(group) for group in groups])
        painted = _painted(self.scope.get("query_string", b""))
        if painted is None or await _has_changed(groups, painted):
            # Anything sent before the page has fetched itself would be overwritten by older state.
            await self.send(text_data=REFRESH)
        else:
            await hub().begin(self.viewer)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Handle the acknowledgement of a batch or of a refresh; ignore anything else."""
        if text_data == ACKNOWLEDGED and self.viewer is not None:
            if not self.viewer.has_begun:
                await hub().begin(self.viewer)
            self.viewer.acknowledge()

    async def disconnect(self, code: int) -> None:
        """Remove the viewer from the hub."""
        if self.viewer is not None:
            await hub().leave(self.viewer)
            await self.viewer.close()


class JobConsumer(AsyncWebsocketConsumer):
    """The status object of one job as JSON: the current state, then every change."""

    viewer: Viewer | None = None

    async def connect(self) -> None:
        """Close with 4403 without a user, with 4404 for a job that the user may not see."""
        user, job_id = self.scope["user"], str(self.scope["url_route"]["kwargs"]["job_id"])
        await self.accept()
        if not user.is_authenticated:
            await self.close(code=FORBIDDEN)
            return
        base = self._base()
        if await _status(hub().forecaster, user, job_id, base) is None:
            await self.close(code=UNKNOWN)
            return
        self.viewer = Viewer(lambda text: self.send(text_data=text), acknowledges=False)
        await hub().join(self.viewer, [Topic(job_group(job_id), base)])
        # Read after joining: a change in between is sent twice rather than never.
        current = await _status(hub().forecaster, user, job_id, base)
        self.viewer.offer({"status": json.dumps(current)})

    async def disconnect(self, code: int) -> None:
        """Remove the viewer from the hub."""
        if self.viewer is not None:
            await hub().leave(self.viewer)
            await self.viewer.close()

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
def _page_groups(user: Any, topic: str, key: str) -> list[str]:
    group = access.may_join(user, topic, key)
    if group is None:
        return []
    if group != QUEUE_GROUP:
        return [group]
    # The queue's group carries no pictures; the dashboard gets those from the user's projects.
    return [group, *(project.group for project in Project.objects.visible_to(user))]


@database_sync_to_async
def _has_changed(groups: list[str], since: datetime) -> bool:
    jobs = {group.removeprefix("job.") for group in groups if group.startswith("job.")}
    relevant = Q(job__scope__in=groups) | Q(job__in=jobs)
    if QUEUE_GROUP in groups:
        relevant = Q()
    if JobEvent.objects.filter(relevant, at__gte=since).exists():
        return True
    reviews = Review.objects.filter(Q(requested_at__gte=since) | Q(decided_at__gte=since))
    return reviews.exists()


@database_sync_to_async
def _status(forecaster: Forecaster, user: Any, job_id: str, base: str) -> dict[str, Any] | None:
    job = access.visible_jobs(user).for_pages().filter(pk=job_id).first()
    return None if job is None else job_status(forecaster, job, base=base)


def _painted(query: bytes) -> datetime | None:
    """When the page was painted, from its `since` parameter; None without a valid one."""
    _, _, text = query.decode("latin1").partition("since=")
    try:
        return parse_datetime(text.replace("%3A", ":").replace("%2B", "+"))
    except ValueError:
        return None
