"""The progress row of a job, which is reset when an attempt begins or the job waits again."""

from typing import Any

from django.db import connection

from generation.models import Job, Progress

EMPTY: dict[str, Any] = {
    "stage": "",
    "steps_complete": 0,
    "frames_complete": 0,
    "part": 0,
    "parts": 0,
    "percent": 0.0,
    "remaining_seconds": None,
    "preview": None,
}
"""The fields of the row before an attempt begins."""
BEGIN = """
UPDATE generation_progress SET attempt_number = %s, stage = '', steps_complete = 0,
    frames_complete = 0, part = 0, parts = 0, percent = 0.0, remaining_seconds = NULL,
    preview = NULL
WHERE job_id = %s
"""
"""The same with the attempt's number. It is SQL, because it is part of every claim."""


def clear(job: Job) -> None:
    """Reset the row, because the job waits."""
    Progress.objects.filter(pk=job.pk).update(**EMPTY)


def begin(job: Job, number: int) -> None:
    """Reset the row for the attempt with this number."""
    with connection.cursor() as cursor:
        key = Job._meta.pk.get_db_prep_value(job.pk, connection)
        cursor.execute(BEGIN, [number, key])
