"""A job's live row of progress, made empty when an attempt begins or the job waits again."""

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
"""The row of an attempt that has not begun."""
BEGIN = """
UPDATE generation_progress SET attempt_number = %s, stage = '', steps_complete = 0,
    frames_complete = 0, part = 0, parts = 0, percent = 0.0, remaining_seconds = NULL,
    preview = NULL
WHERE job_id = %s
"""
"""The same with the attempt's number. Not written by the ORM: the claim is waited for."""


def clear(job: Job) -> None:
    """Nothing runs: the row is that of a job that waits."""
    Progress.objects.filter(pk=job.pk).update(**EMPTY)


def begin(job: Job, number: int) -> None:
    """An attempt begins with nothing done."""
    with connection.cursor() as cursor:
        key = Job._meta.pk.get_db_prep_value(job.pk, connection)
        cursor.execute(BEGIN, [number, key])
