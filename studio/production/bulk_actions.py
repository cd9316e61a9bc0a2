"""Actions on many jobs at once, and the sentences that say what they did."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from generation.errors import SpecError
from generation.models import Job
from generation.queue import requests
from generation.sentences import Said, Sentence
from generation.states import Priority
from studio.ordering import submission
from studio.production import sentences

MOST = 500
"""Jobs that one request may change."""


@dataclass(frozen=True, slots=True)
class Action:
    """A change of one job, and the sentences for the jobs that were changed and that were not.

    `change` returns whether it changed the job. It may raise SpecError.
    """

    change: Callable[[Job], bool]
    done: Sentence
    unchanged: Sentence
    priority: str = ""
    """The new priority in words, for the sentences."""


def _move_to(priority: Priority) -> Action:
    return Action(
        partial(requests.change_priority, priority=priority),
        sentences.JOBS_MOVED,
        sentences.NOT_MOVED,
        priority.label.lower(),
    )


ACTIONS = {
    "cancel": Action(requests.cancel, sentences.JOBS_CANCELLED, sentences.NOT_CANCELLED),
    "hold": Action(requests.hold, sentences.JOBS_HELD, sentences.NOT_HELD),
    "release": Action(requests.release, sentences.JOBS_RELEASED, sentences.NOT_RELEASED),
    "front": Action(requests.move_to_front, sentences.JOBS_AT_FRONT, sentences.NOT_AT_FRONT),
    "retry": Action(submission.retry, sentences.JOBS_RETRIED, sentences.NOT_RETRIED),
    **{priority.word: _move_to(priority) for priority in Priority},
}
"""By the names that forms and keyboard shortcuts send."""


@dataclass(slots=True)
class Acted:
    """The result of an action: the jobs that it changed and those that it did not.

    `refusals` counts the refused jobs by the reason; these jobs are in `left` too.
    """

    moved: list[Job] = field(default_factory=list)
    left: list[Job] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)


def act(action: Action, jobs: Iterable[Job]) -> Acted:
    """Apply an action to each job.

    The last in the queue comes first, so that jobs moved to the front keep their order.
    """
    acted = Acted()
    for job in sorted(jobs, key=lambda job: (job.priority, job.rank, job.pk), reverse=True):
        try:
            moved = action.change(job)
        except SpecError as problem:
            moved = False
            acted.refusals[problem.sentence] += 1
        (acted.moved if moved else acted.left).append(job)
    return acted


def told(action: Action, acted: Acted, not_yours: int = 0) -> list[Said]:
    """How many jobs were changed, how many were not, and why. Each has `count` as a value.

    `not_yours` counts the chosen jobs that the person may not change.
    """
    moved, left = len(acted.moved), len(acted.left) - acted.refusals.total()
    said = [sentences.NO_JOB_CHANGED.said(count=0)]
    if moved:
        said = [action.done.said(jobs=_jobs(moved), count=moved, priority=action.priority)]
    if left:
        said.append(action.unchanged.said(jobs=_were(left), count=left, priority=action.priority))
    for problem, count in acted.refusals.items():
        said.append(sentences.JOBS_REFUSED.said(jobs=_were(count), count=count, problem=problem))
    if not_yours:
        said.append(sentences.NOT_YOURS.said(jobs=_were(not_yours), count=not_yours))
    return said


def _were(number: int) -> str:
    return "1 job was" if number == 1 else f"{number} jobs were"


def _jobs(number: int) -> str:
    return "1 job" if number == 1 else f"{number} jobs"
