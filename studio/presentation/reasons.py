"""Why a setting that nobody named was chosen, as it is stored on the job and shown."""

from __future__ import annotations

from dataclasses import dataclass

from generation.models import Job


@dataclass(frozen=True, slots=True)
class Reason:
    """A choice: its code, what was chosen, and why. `code` is empty for jobs of older versions."""

    code: str
    chosen: str
    why: str


def reasons(job: Job) -> list[Reason]:
    """The reasons stored on a job: lists of code, choice and why; older rows have no code."""
    return [Reason(*row) if len(row) == 3 else Reason("", *row) for row in job.reasons]
