"""What people do to many jobs at once, and how it is told."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

from generation.models import Job
from generation.queue import requests
from generation.states import Priority

MOST = 500
"""Jobs that one request may change."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do to each job: what does it, and the words for those that it did not move."""

    change: Callable[[Job], bool]
    done: str
    why: str


def _priority(priority: Priority) -> Action:
    return Action(
        partial(requests.change_priority, priority=priority),
        f"moved to {priority.label.lower()} priority",
        "not waiting any more, or of that priority already",
    )


ACTIONS = {
    "cancel": Action(requests.cancel, "cancelled", "ended, or letting go already"),
    "hold": Action(requests.hold, "put on hold", "not waiting any more, or on hold already"),
    "release": Action(requests.release, "released", "not on hold any more"),
    "front": Action(
        requests.move_to_front, "moved to the front", "not waiting any more, or first already"
    ),
    "retry": Action(requests.retry, "waiting again", "neither failed nor cancelled"),
    **{priority.word: _priority(priority) for priority in Priority},
}
"""By the words that forms and keys send."""


def act(action: Action, jobs: Iterable[Job]) -> tuple[list[Job], list[Job]]:
    """Do it to each: those that it moved, and those that it left as they were.

    The last in the queue comes first, so that jobs moved to the front keep their order.
    """
    moved: list[Job] = []
    left: list[Job] = []
    for job in sorted(jobs, key=lambda job: (job.priority, job.rank, job.pk), reverse=True):
        (moved if action.change(job) else left).append(job)
    return moved, left


def sentence(action: Action, moved: int, left: int, refused: int = 0) -> str:
    """How many were changed, how many could not be, and why."""
    parts = [f"{_jobs(moved)} {action.done}." if moved else "Nothing was changed."]
    if left:
        was = "was left as it was" if left == 1 else "were left as they were"
        parts.append(f"{_jobs(left)} {was}: {action.why}.")
    if refused:
        is_not = "is not yours" if refused == 1 else "are not yours"
        parts.append(f"{_jobs(refused)} {is_not} to change; ask who submitted it.")
    return " ".join(parts)


def _jobs(number: int) -> str:
    return "1 job" if number == 1 else f"{number} jobs"
