"""Notices to the person who asked for a render: it has ended, or its take was judged.

Every page receives them in the person's own group. The page decides whether to show a notification
or to play a sound (`static/js/notices.js`).
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse

from generation.live.events import EventKind
from generation.models import Job
from generation.states import Status
from studio.accounts import access
from studio.live import sentences
from studio.models import Take

SENTENCES = {
    EventKind.COMPLETED: sentences.RENDER_DONE,
    EventKind.FAILED: sentences.RENDER_FAILED,
    "take.approved": sentences.TAKE_APPROVED,
    "take.changes_requested": sentences.CHANGES_ASKED_FOR,
}
"""The events that a person is told of, with their sentences."""

ENDS = {Status.COMPLETED: EventKind.COMPLETED, Status.FAILED: EventKind.FAILED}
MOST_MISSED = 5
"""Notices that a page is sent when it connects; it remembers more of those that it has told."""

BETWEEN_PAGES = timedelta(seconds=30)
"""A page that is left hears nothing any more, some time before the next one is painted."""


def notices(job: Job, take: Take | None, kinds: Iterable[str]) -> dict[str, str]:
    """The notices of these events as fragments by name; all other events have none."""
    return {
        f"notice:{job.pk}:{kind}": render_to_string(
            "fragments/notice.html", _context(job, take, kind)
        )
        for kind in kinds
        if kind in SENTENCES
    }


def missed(user: Any, painted: datetime) -> dict[str, str]:
    """The notices of the person's newest renders that ended while no page of theirs may have heard.

    Each has the key of the notice that was pushed, so that nobody is told twice.
    """
    since = painted - BETWEEN_PAGES
    ended = access.visible_jobs(user).filter(owner=user.pk, status__in=ENDS, finished_at__gte=since)
    parts: dict[str, str] = {}
    for job in ended.prefetch_related("events").order_by("-finished_at")[:MOST_MISSED]:
        take = Take.objects.select_related("shot__project").filter(job=job).first()
        parts = notices(job, take, [ENDS[job.state]]) | parts
    return parts


def _context(job: Job, take: Take | None, kind: str) -> dict[str, Any]:
    what = f"{take.shot.project.name}: {take}" if take else "Your render"
    judged = kind.startswith("take.")
    return {
        "said": SENTENCES[kind].said(what=what),
        "key": f"{job.pk} {kind} {_occasion(job, take, kind)}",
        "address": take.get_absolute_url() if take and judged else reverse("job", args=[job.pk]),
    }


def _occasion(job: Job, take: Take | None, kind: str) -> int:
    """A number that is the same in all tabs, and another after a retry or a second review."""
    if take and kind.startswith("take."):
        return take.reviews.count()
    return max((event.sequence for event in job.events.all() if event.kind == kind), default=0)
