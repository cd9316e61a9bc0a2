"""Notices to the person who asked for a render: it has ended, or its take was judged.

Every page receives them in the person's own group. The page decides whether to show a notification
or to play a sound (`static/js/notices.js`).
"""

from collections.abc import Iterable
from typing import Any

from django.template.loader import render_to_string
from django.urls import reverse

from generation.live.events import EventKind
from generation.models import Job
from studio.live import sentences
from studio.models import Take

SENTENCES = {
    EventKind.COMPLETED: sentences.RENDER_DONE,
    EventKind.FAILED: sentences.RENDER_FAILED,
    "take.approved": sentences.TAKE_APPROVED,
    "take.changes_requested": sentences.CHANGES_ASKED_FOR,
}
"""The events that a person is told of, with their sentences."""


def notices(job: Job, take: Take | None, kinds: Iterable[str]) -> dict[str, str]:
    """The notices of these events as fragments by name; all other events have none."""
    return {
        f"notice:{job.pk}:{kind}": render_to_string(
            "fragments/notice.html", _context(job, take, kind)
        )
        for kind in kinds
        if kind in SENTENCES
    }


def _context(job: Job, take: Take | None, kind: str) -> dict[str, Any]:
    what = f"{take.shot.project.name}: {take}" if take else "Your render"
    rounds = take.reviews.count() if take else 0
    judged = kind.startswith("take.")
    return {
        "said": SENTENCES[kind].said(what=what),
        # The same in all tabs, and another after a retry or a second review.
        "key": f"{job.pk} {kind} {job.event_sequence} {rounds}",
        "address": take.get_absolute_url() if take and judged else reverse("job", args=[job.pk]),
    }
