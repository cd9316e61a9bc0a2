"""What the world wants of a running attempt: one short question, asked many times a second."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db import connection

from generation.models import Job
from generation.states import Pause, Priority, Status

WANTED = """
SELECT job.status, job.attempt_number, job.cancel_requested_at IS NOT NULL, device.pause, EXISTS (
    SELECT 1 FROM generation_job AS other
    WHERE other.status = 'queued' AND other.held_at IS NULL AND other.priority = %s
)
FROM generation_job AS job LEFT JOIN generation_device AS device ON device.id = job.device_id
WHERE job.id = %s
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """`owned` is False once somebody else has the job; `urgent` says that urgent work waits."""

    owned: bool
    cancel: bool = False
    pause_at_once: bool = False
    urgent: bool = False


def of_attempt(job_id: UUID, number: int) -> Wanted:
    """What is wanted of a job's attempt of that number at this moment."""
    key = Job._meta.pk.get_db_prep_value(job_id, connection)
    with connection.cursor() as cursor:
        cursor.execute(WANTED, [Priority.URGENT, key])
        row = cursor.fetchone()
    if row is None or row[:2] != (Status.PROCESSING, number):
        return Wanted(owned=False)
    _, _, cancel, pause, urgent = row
    return Wanted(True, bool(cancel), pause == Pause.AT_ONCE, bool(urgent))
