"""Writes the snapshots of one attempt's denoising, so that a later attempt can resume it.

A snapshot is written every few seconds, in case the worker is killed, and once more when the
attempt is interrupted. If the disk is full, the snapshot is lost and the render continues.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.conf import settings

from generation.models import Attempt
from generation.pipelines.loop.step import LoopState, Step
from generation.queue import lifecycle
from generation.worker.best_effort import best_effort
from generation.worker.resume import snapshots

logger = logging.getLogger(__name__)


class SnapshotWriter:
    """Holds the newest state between two steps, and the number of steps in the last snapshot."""

    def __init__(self, attempt: Attempt) -> None:
        self.state: LoopState | None = None
        self._attempt = attempt
        self._steps = self._saved_steps = 0
        self._save: Callable[[], LoopState] | None = None
        self._identity = ""
        self._written_at = time.monotonic()

    def resume(self, identity: str) -> None:
        """Read an earlier attempt's snapshot with this identity into `state`, if there is one."""
        self._identity = identity
        if self._attempt.number == 1:
            return
        self.state = snapshots.read(self._attempt.job_id, identity)
        if self.state is not None:
            # Trust the file, not the row: a worker may be killed before it updates the row.
            self._saved_steps = self.state.number
            self._attempt.resumed_from = self._saved_steps

    def hold(self, step: Step) -> None:
        """Remember how to save this state. Saving itself needs a copy and happens later."""
        if step.finished and step.save is not None:
            self._steps, self._save = step.number, step.save

    def write_now_and_then(self) -> None:
        """Write a snapshot if the last one is old enough."""
        if time.monotonic() - self._written_at >= settings.GENGA_SNAPSHOT_SECONDS:
            saved_steps = self.write()
            with best_effort(f"note the saved steps of job {self._attempt.job_id}"):
                lifecycle.note_saved(self._attempt, saved_steps)

    def write(self) -> int:
        """Write the newest state if it is newer than the snapshot; return the steps saved."""
        if self._save is not None and self._steps > self._saved_steps:
            try:
                snapshots.write(self._attempt.job_id, self._identity, self._save())
            except OSError:
                logger.exception("job %s could not be saved", self._attempt.job_id)
            else:
                self._saved_steps = self._steps
        self._written_at = time.monotonic()
        return self._saved_steps

    def discard(self) -> None:
        """Delete the snapshot, because the job has ended."""
        snapshots.discard(self._attempt.job_id)
