"""The progress reports of a running attempt: one row that is overwritten, and one event.

The render thread only notes the newest state. A second thread writes that state a few times a
second, so that a slow disk or a slow watcher never slows a step. The second thread encodes previews
but runs no torch operator; see `generation/worker/threads.py`.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any

from django.db import close_old_connections
from django.utils import timezone
from PIL import Image

from generation.live import events
from generation.live.events import EventKind
from generation.media import images
from generation.models import Attempt, Progress
from generation.states import Stage
from generation.worker.best_effort import reconnect

logger = logging.getLogger(__name__)

REPORTS_PER_SECOND = 4
PREVIEWS_PER_SECOND = 3


@dataclass(slots=True)
class ProgressState:
    """The newest state of an attempt."""

    stage: Stage
    steps_complete: int = 0
    frames_complete: int = 0
    percent: float = 0.0
    remaining_seconds: float | None = None
    picture: Image.Image | None = None
    part: int = 0
    parts: int = 0


class Reporter:
    """Writes the progress of one attempt from its own thread. Use it as a context manager."""

    def __init__(self, attempt: Attempt) -> None:
        self._job_id = attempt.job_id
        self._number = attempt.number
        self._scope = attempt.job.scope
        self._newest: ProgressState | None = None
        self._fresh = threading.Condition()
        self._closing = False
        self._preview_due = 0.0
        self._succeeds = True
        self._thread = threading.Thread(target=self._write_newest, name="reporter", daemon=True)

    def __enter__(self) -> Reporter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop reporting; return after the thread has ended."""
        with self._fresh:
            self._closing = True
            self._fresh.notify()
        self._thread.join()

    def note(self, newest: ProgressState) -> None:
        """Replace the state that is reported next. Returns at once."""
        with self._fresh:
            if newest.picture is None and self._newest is not None:
                # Steps are faster than reports: keep a preview that was not reported yet.
                newest.picture = self._newest.picture
            self._newest = newest
            self._fresh.notify()

    def preview_due(self) -> bool:
        """Whether a preview is due now. If so, the next is due a third of a second later."""
        now = time.monotonic()
        if now < self._preview_due:
            return False
        self._preview_due = now + 1 / PREVIEWS_PER_SECOND
        return True

    def _write_newest(self) -> None:
        try:
            while True:
                with self._fresh:
                    while self._newest is None and not self._closing:
                        self._fresh.wait()
                    newest, self._newest = self._newest, None
                    if self._closing:
                        return
                if newest is not None:
                    self._write(newest)
                self._pause()
        finally:
            close_old_connections()

    def _pause(self) -> None:
        """Wait until the next report is due, or until the reporter closes."""
        with self._fresh:
            if not self._closing:
                self._fresh.wait_for(lambda: self._closing, timeout=1 / REPORTS_PER_SECOND)

    def _write(self, newest: ProgressState) -> None:
        fields: dict[str, Any] = {
            "stage": newest.stage,
            "steps_complete": newest.steps_complete,
            "frames_complete": newest.frames_complete,
            "part": newest.part,
            "parts": newest.parts,
            "percent": newest.percent,
            "remaining_seconds": newest.remaining_seconds,
            "updated_at": timezone.now(),
        }
        try:
            if newest.picture is not None:
                fields["preview"] = images.preview(newest.picture)
            # Only the attempt that still owns the job may write its progress.
            written = Progress.objects.filter(
                pk=self._job_id, attempt_number=self._number, job__status="processing"
            ).update(**fields)
        except Exception:
            # Reports are several a second, so only the first of a row is logged.
            if self._succeeds:
                logger.exception("progress of job %s was not written", self._job_id)
            self._succeeds = False
            reconnect()
        else:
            self._succeeds = True
            if written:
                events.publish_job(EventKind.PROGRESS, self._job_id, self._scope)
