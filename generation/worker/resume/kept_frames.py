"""Finished frames of an interrupted attempt, kept for the attempt that resumes.

Interpolated and upscaled frames take long to make and are saved one by one, so an attempt that is
preempted or handed back leaves its folder to the next attempt. An attempt takes the folder over
only if it would make the same frames, bit by bit.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from uuid import UUID

from django.conf import settings

from generation.media import plain_files

WORK_FOLDER = "work"
"""In the data folder; holds the frames between two stages."""
KEPT = "kept"
IDENTITY = "identity"


def root() -> Path:
    """The folder in which running attempts keep their frames."""
    home: Path = settings.GENGA_HOME
    return home / WORK_FOLDER


def folder(job_id: UUID) -> Path:
    """The folder with the kept frames of a job."""
    return root() / f"{job_id}-{KEPT}"


def keep(own: Path, job_id: UUID, identity: str) -> None:
    """Keep the folder `own` of an attempt for a later attempt with the same identity."""
    if not own.is_dir():
        return
    discard(job_id)
    # If the disk is full, the frames are lost but the job is not.
    with suppress(OSError):
        (own / IDENTITY).write_text(identity)
        own.rename(folder(job_id))


def take_over(own: Path, job_id: UUID, identity: str) -> None:
    """Move the kept frames of the job to `own`, or delete them if the identity differs."""
    with suppress(OSError):
        if plain_files.read(folder(job_id) / IDENTITY) == identity.encode():
            folder(job_id).rename(own)
    discard(job_id)


def discard(job_id: UUID) -> None:
    """Delete the kept frames of a job, if any."""
    with suppress(OSError):
        plain_files.remove(folder(job_id))


def job_ids() -> set[UUID]:
    """The jobs that have kept frames."""
    found = set()
    for path in root().glob(f"*-{KEPT}"):
        with suppress(ValueError):
            found.add(UUID(path.name.removesuffix(f"-{KEPT}")))
    return found
