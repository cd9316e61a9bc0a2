"""Deleting takes: into the trash, back from it, and for good.

Each function returns why it could not be done, as a sentence; None when it was done.
"""

from generation.models import Job
from generation.queue import trash
from generation.sentences import Said
from studio.models import Take, Verdict
from studio.production import refusals


def delete(job: Job) -> Said | None:
    """Move a job, with its take and its files, into the trash."""
    if Take.objects.filter(job=job, verdict=Verdict.PENDING).exists():
        return refusals.DELETE_IN_REVIEW.said()
    if not job.state.ended or not trash.put(job):
        return refusals.DELETE_NEEDS_END.said(state=job.state.label.lower())
    return None


def restore(job: Job) -> Said | None:
    """Take a job out of the trash."""
    return None if trash.restore(job) else refusals.NOT_IN_TRASH.said()


def delete_for_good(job: Job) -> Said | None:
    """Free the files of a job in the trash now."""
    if job.trashed_at is None or job.freed_at is not None:
        return refusals.NOT_IN_TRASH.said()
    return None if trash.free(job) else refusals.SOURCE_IN_USE.said()
