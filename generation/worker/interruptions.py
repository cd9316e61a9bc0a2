"""The interruptions of a run: how often they are checked, their order, and their consequences.

A running attempt checks after every step and, between checks, as often as the two intervals below
allow. The first reason that applies is raised as an `Interruption`, which aborts the stage.
`CONSEQUENCES` defines what happens then to the job and to the work that was done.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.db import DatabaseError, connection

from generation.errors import (
    CancelRequested,
    DatabaseFailed,
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
from generation.worker.best_effort import reconnect

logger = logging.getLogger(__name__)

WITHIN_STEP_SECONDS = 0.02
"""The shortest time between two checks within a step. Urgent work should start within a part of a
step, and a step may take seconds. One check takes about a tenth of a millisecond on SQLite."""

BETWEEN_FRAMES_SECONDS = 0.25
"""The shortest time between two checks while frames are decoded, upscaled, written or checked.
Finished frames are kept, and a user who cancels does not notice a quarter of a second."""

QUESTION = """
SELECT job.status, job.attempt_number, job.cancel_requested_at IS NOT NULL, device.pause, EXISTS (
    SELECT 1 FROM generation_job AS other
    WHERE other.status = 'queued' AND other.held_at IS NULL AND (
        other.priority = %s
        OR (job.priority = %s AND job.pinned_to_id IS NOT NULL AND other.pinned_to_id IS NULL)
    )
)
FROM generation_job AS job LEFT JOIN generation_device AS device ON device.id = job.device_id
WHERE job.id = %s
"""

Transition = Callable[[Attempt, Timings, int], bool]
"""Changes the state of an attempt's job, given the number of saved steps; whether it changed."""


@dataclass(frozen=True, slots=True)
class Signals:
    """The state of an attempt in the database.

    `owned` is False once another worker has the job, or no worker. `urgent` is True when a job
    waits, for any device, that may preempt this one: an urgent job, or any job if this one is a
    calibration that its device gave itself.
    """

    owned: bool
    cancel: bool = False
    pause_at_once: bool = False
    urgent: bool = False


def ask(job_id: UUID, number: int) -> Signals:
    """Read the signals of a job's attempt with this number; one query."""
    key = Job._meta.pk.get_db_prep_value(job_id, connection)
    with connection.cursor() as cursor:
        cursor.execute(QUESTION, [Priority.URGENT, Priority.LOW, key])
        row = cursor.fetchone()
    if row is None or row[:2] != (Status.PROCESSING, number):
        return Signals(owned=False)
    _, _, cancel, pause, urgent = row
    return Signals(True, bool(cancel), pause == Pause.AT_ONCE, bool(urgent))


class Interruptions:
    """Checks one attempt for interruptions. Each check raises the Interruption that applies."""

    def __init__(self, attempt: Attempt, device: Device, is_stopping: Callable[[], bool]) -> None:
        self.may_yield = True
        """False between a step's windows, where yielding to urgent work would lose too much."""
        self._attempt = attempt
        self._device = device
        self._is_stopping = is_stopping
        self._checked_at = time.monotonic()
        self._answered = True

    def check(self) -> None:
        """Check now.

        The order matters: a worker that lost the job may not cancel it either, a cancelled job is
        not handed back, and a device that stops need not know whether urgent work waits for it.
        While the database does not answer, the run goes on: its end is written only if the attempt
        still owns the job.
        """
        try:
            self._raise_first()
        except DatabaseError:
            # Checks are many a second, so only the first of a row is logged.
            if self._answered:
                logger.exception("job %s runs on unasked", self._attempt.job_id)
            self._answered = False
            reconnect()
            if self._is_stopping():
                raise WorkerStopping from None
        else:
            self._answered = True
        finally:
            self._checked_at = time.monotonic()

    def _raise_first(self) -> None:
        attempt = self._attempt
        signals = ask(attempt.job_id, attempt.number)
        if not signals.owned:
            raise LeaseLost
        if signals.cancel:
            raise CancelRequested
        if self._is_stopping() or signals.pause_at_once:
            raise WorkerStopping
        if signals.urgent and self.may_yield and is_preempted(attempt, self._device):
            raise Preempted

    def check_within_step(self) -> None:
        """Check, unless the last check is too recent. The members of a batch share the checks."""
        self._check_after(WITHIN_STEP_SECONDS * self._attempt.batch_size)

    def check_between_frames(self) -> None:
        """Check, unless the last check is too recent."""
        self._check_after(BETWEEN_FRAMES_SECONDS)

    def _check_after(self, seconds: float) -> None:
        if time.monotonic() - self._checked_at >= seconds:
            self.check()


@dataclass(frozen=True, slots=True)
class Consequence:
    """The consequence of an interruption.

    With `keeps_work`, the snapshot and the finished frames are saved first, so that the next
    attempt can resume. Without it, saved work is deleted after the job's state has changed.
    """

    keeps_work: bool
    transition: Transition


def _end_cancelled(attempt: Attempt, timings: Timings, _saved_steps: int) -> bool:
    return lifecycle.end_cancelled(attempt, timings)


def _leave_alone(attempt: Attempt, _timings: Timings, _saved_steps: int) -> bool:
    """Change nothing: the job and its saved work belong to another worker now."""
    logger.warning("job %s was taken over by another worker", attempt.job_id)
    return False


CONSEQUENCES: dict[type[Interruption], Consequence] = {
    LeaseLost: Consequence(keeps_work=False, transition=_leave_alone),
    CancelRequested: Consequence(keeps_work=False, transition=_end_cancelled),
    WorkerStopping: Consequence(keeps_work=True, transition=lifecycle.hand_back),
    Preempted: Consequence(keeps_work=True, transition=lifecycle.preempt),
    DatabaseFailed: Consequence(keeps_work=True, transition=lifecycle.hand_back_after_error),
}
