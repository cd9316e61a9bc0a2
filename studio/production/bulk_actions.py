"""What people do to many jobs at once, and how it is told."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from generation.errors import SpecError
from generation.models import Job
from generation.queue import requests
from generation.states import Priority
from studio.ordering import submission

MOST = 500
"""Jobs that one request may change."""


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do to each job: what does it, and the words for those that it did not move.

    `change` may raise SpecError for a job, with a reason of its own.
    """

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
    "retry": Action(submission.retry, "waiting again", "neither failed nor cancelled"),
    **{priority.word: _priority(priority) for priority in Priority},
}
"""By the words that forms and keys send."""


@dataclass(slots=True)
class Acted:
    """The jobs that an action moved, those that it left, and reasons of jobs that it refused.

    The refused jobs are among those that it left.
    """

    moved: list[Job] = field(default_factory=list)
    left: list[Job] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)


def act(action: Action, jobs: Iterable[Job]) -> Acted:
    """Do it to each.

    The last in the queue comes first, so that jobs moved to the front keep their order.
    """
    acted = Acted()
    for job in sorted(jobs, key=lambda job: (job.priority, job.rank, job.pk), reverse=True):
        try:
            moved = action.change(job)
        except SpecError as problem:
            moved = False
            acted.reasons[problem.sentence] += 1
        (acted.moved if moved else acted.left).append(job)
    return acted


def sentence(action: Action, acted: Acted, refused: int = 0) -> str:
    """How many were changed, how many could not be, and why; `refused` are those of others."""
    moved, left = len(acted.moved), len(acted.left) - acted.reasons.total()
    parts = [f"{_jobs(moved)} {action.done}." if moved else "Nothing was changed."]
    if left:
        parts.append(f"{_left(left)}: {action.why}.")
    parts += [f"{_left(number)}: {reason}" for reason, number in acted.reasons.items()]
    if refused:
        is_not = "is not yours" if refused == 1 else "are not yours"
        parts.append(f"{_jobs(refused)} {is_not} to change; ask who submitted it.")
    return " ".join(parts)


def _left(number: int) -> str:
    return f"{_jobs(number)} {'was left as it was' if number == 1 else 'were left as they were'}"


def _jobs(number: int) -> str:
    return "1 job" if number == 1 else f"{number} jobs"
