"""Frames that an interrupted attempt had finished, kept for the attempt that goes on.

In-betweens and enlarged frames take long and lie on the disk one by one, so an attempt that gives
way or is handed back leaves its folder to the next one. It is taken over only by an attempt that
would make the same frames, bit by bit.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from uuid import UUID

from django.conf import settings

WORK_FOLDER = "work"
"""In the data folder: frames on their way from one stage to the next."""
KEPT = "kept"
IDENTITY = "identity"


def root() -> Path:
    """Where attempts keep their frames while they run."""
    home: Path = settings.GENGA_HOME
    return home / WORK_FOLDER


def folder(job_id: UUID) -> Path:
    """What is kept of a job."""
    return root() / f"{job_id}-{KEPT}"


def keep(own: Path, job_id: UUID, identity: str) -> None:
    """Leave an attempt's folder to whichever attempt has the same identity."""
    if not own.is_dir():
        return
    discard(job_id)
    # A disk that is full costs the frames, never the job.
    with suppress(OSError):
        (own / IDENTITY).write_text(identity)
        own.rename(folder(job_id))


def take_over(own: Path, job_id: UUID, identity: str) -> None:
    """Make what is kept of the job the attempt's own, or delete what it cannot use."""
    with suppress(OSError):
        if (folder(job_id) / IDENTITY).read_text() == identity:
            folder(job_id).rename(own)
    discard(job_id)


def discard(job_id: UUID) -> None:
    """Delete what is kept of a job, if anything."""
    shutil.rmtree(folder(job_id), ignore_errors=True)


def job_ids() -> set[UUID]:
    """The jobs of which something is kept."""
    found = set()
    for path in root().glob(f"*-{KEPT}"):
        with suppress(ValueError):
            found.add(UUID(path.name.removesuffix(f"-{KEPT}")))
    return found
