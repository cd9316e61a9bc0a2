"""What may stop a run: what is asked and how often, what counts first, and what follows.

A running attempt asks after every step and, in between, as often as the two intervals below
allow. The first reason that applies is raised as an `Interruption`, which leaves whatever is going
on; `CONSEQUENCES` says what becomes of the job and of the work that was done.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from generation.errors import (
    CancelRequested,
    Interruption,
    LeaseLost,
    Preempted,
    WorkerStopping,
)
from generation.models import Attempt, Device, Job
from generation.queue import lifecycle
from generation.queue.timings import Timings
from generation.scheduling.preempted import is_preempted
from generation.states import Pause, Priority, Status

logger = logging.getLogger(__name__)

WITHIN_STEP_SECONDS = 0.02
"""Least time between two questions in the middle of a step. Urgent work should start within a part
of it, and a step may take seconds. One question takes about a tenth of a millisecond on SQLite."""

BETWEEN_FRAMES_SECONDS = 0.25
"""Least time between two questions while frames are decoded, enlarged, written or checked. Finished
frames are kept, and whoever cancels does not notice a quarter of a second."""

QUESTION = """
SELECT job.status, job.attempt_number, job.cancel_requested_at IS NOT NULL, device.pause, EXISTS (
    SELECT 1 FROM generation_job AS other
    WHERE other.status = 'queued' AND other.held_at IS NULL AND (
        other.priority = %s OR (job.pinned_to_id IS NOT NULL AND other.pinned_to_id IS NULL)
    )
)
FROM generation_job AS job LEFT JOIN generation_device AS device ON device.id = job.device_id
WHERE job.id = %s
"""

Transition = Callable[[Attempt, Timings, int], bool]
"""Changes the state of an attempt's job, given the steps that are saved. False: it did not move."""


@dataclass(frozen=True, slots=True)
class Signals:
    """What the tables say of an attempt.

    `owned` is False once somebody else has the job, or nobody; `urgent` says that work
    waits, for whichever device, that may preempt this: urgent work, or any for a calibration.
    """

    owned: bool
    cancel: bool = False
    pause_at_once: bool = False
    urgent: bool = False


def ask(job_id: UUID, number: int) -> Signals:
    """The signals for a job's attempt of that number at this moment; one query."""
    key = Job._meta.pk.get_db_prep_value(job_id, connection)
    with connection.cursor() as cursor:
        cursor.execute(QUESTION, [Priority.URGENT, key])
        row = cursor.fetchone()
    if row is None or row[:2] != (Status.PROCESSING, number):
        return Signals(owned=False)
    _, _, cancel, pause, urgent = row
    return Signals(True, bool(cancel), pause == Pause.AT_ONCE, bool(urgent))


class Interruptions:
    """What may stop one attempt. Each check raises the Interruption that applies, if any does."""

    def __init__(self, attempt: Attempt, device: Device, is_stopping: Callable[[], bool]) -> None:
        self.may_give_way = True
        """False while giving way to urgent work would lose too much: between a step's windows."""
        self._attempt = attempt
        self._device = device
        self._is_stopping = is_stopping
        self._asked = time.monotonic()

    def check(self) -> None:
        """Ask now.

        Whoever lost the job may not even cancel it; a cancelled job is not handed back; and a
        device that stops has no use for the question whether urgent work needs it.
        """
        attempt = self._attempt
        signals = ask(attempt.job_id, attempt.number)
        self._asked = time.monotonic()
        if not signals.owned:
            raise LeaseLost
        if signals.cancel:
            raise CancelRequested
        if self._is_stopping() or signals.pause_at_once:
            raise WorkerStopping
        if signals.urgent and self.may_give_way and is_preempted(attempt, self._device):
            raise Preempted

    def check_within_step(self) -> None:
        """Ask, unless that was done a moment ago. Members of a batch share the questions."""
        self._check_after(WITHIN_STEP_SECONDS * self._attempt.batch_size)

    def check_between_frames(self) -> None:
        """Ask, unless that was done shortly before."""
        self._check_after(BETWEEN_FRAMES_SECONDS)

    def _check_after(self, seconds: float) -> None:
        if time.monotonic() - self._asked >= seconds:
            self.check()


@dataclass(frozen=True, slots=True)
class Consequence:
    """What follows an interruption.

    With `keeps_work` the snapshot and the finished frames are saved first, for the attempt that
    goes on. Without it, what was saved before is deleted once the job has moved.
    """

    keeps_work: bool
    transition: Transition


def _end_cancelled(attempt: Attempt, timings: Timings, _saved_steps: int) -> bool:
    return lifecycle.end_cancelled(attempt, timings)


def _leave_alone(attempt: Attempt, _timings: Timings, _saved_steps: int) -> bool:
    """The job, and what was saved of it, is somebody else's by now."""
    logger.warning("job %s was taken over by another worker", attempt.job_id)
    return False


CONSEQUENCES: dict[type[Interruption], Consequence] = {
    LeaseLost: Consequence(keeps_work=False, transition=_leave_alone),
    CancelRequested: Consequence(keeps_work=False, transition=_end_cancelled),
    WorkerStopping: Consequence(keeps_work=True, transition=lifecycle.hand_back),
    Preempted: Consequence(keeps_work=True, transition=lifecycle.preempt),
}
