"""Review: a take is sent, somebody decides, and an approval starts the final by itself.

A final may be reviewed too; its approval signs it off. While a review lasts, the lossless frames of
its clip are held, and afterwards their days begin to count.

A verdict is decided by a conditional UPDATE counted for one row: of two reviewers who press at
the same moment one decides, and the other is told.
"""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from generation.live import events
from generation.models.output import FRAMES_KIND
from generation.scheduling.forecast import Forecaster
from generation.states import Priority
from studio.models import Review, Take, Verdict
from studio.ordering import submission
from studio.ordering.planner import Plan, plan_again


class ReviewConflict(Exception):
    """Somebody else was faster, or the take is not in a state for this. Says so in a sentence."""


def request_review(take: Take, user: User, message: str = "") -> Review:
    """Send a finished take to review. Raises ReviewConflict when it cannot be sent (again)."""
    if not take.may_enter_review:
        raise ReviewConflict("Only a finished take that is not in review can be sent to review.")
    with transaction.atomic():
        moved = Take.objects.filter(
            pk=take.pk, verdict__in=[Verdict.NONE, Verdict.CHANGES_REQUESTED]
        ).update(verdict=Verdict.PENDING)
        if not moved:
            raise ReviewConflict("This take is in review already.")
        review = Review.objects.create(take=take, requested_by=user, message=message)
        take.job.outputs.filter(kind=FRAMES_KIND).hold()
        _tell(take, "take.review_requested")
    return review


def approve(
    forecaster: Forecaster, review: Review, reviewer: User, comment: str = ""
) -> Take | None:
    """Approve a take and submit its final with the same seed and settings; the final's take.

    None for a final, which is signed off. Raises ReviewConflict when the review was decided before,
    and SpecError for a draft whose final can be rendered no more; nothing is written then.
    """
    planned = None if review.take.is_final else _plan_final(forecaster, review.take)
    with transaction.atomic():
        _decide(review, reviewer, Verdict.APPROVED, comment)
        final = None if planned is None else _submit_final(review.take, planned)
        _tell(review.take, "take.approved")
    return final


def request_changes(review: Review, reviewer: User, comment: str) -> None:
    """Ask for a change; `comment` says which. Raises ReviewConflict when decided before."""
    with transaction.atomic():
        _decide(review, reviewer, Verdict.CHANGES_REQUESTED, comment)
        _tell(review.take, "take.changes_requested")


def _plan_final(forecaster: Forecaster, draft: Take) -> Plan:
    job = draft.job
    spec = submission.finish(submission.spec_of(job), job.model, draft.style)
    return plan_again(forecaster, spec, job.model, Priority(job.priority), draft.created_by_id)


def _submit_final(draft: Take, planned: Plan) -> Take:
    return submission.submit_spec(
        planned.spec,
        model=planned.model,
        user=draft.created_by,
        shot=draft.shot,
        priority=Priority(draft.job.priority),
        plan=planned,
        prompt=draft.prompt,
        character=draft.character,
        style=draft.style,
        draft=draft,
    )


def _decide(review: Review, reviewer: User, verdict: Verdict, comment: str) -> None:
    decided = Review.objects.filter(pk=review.pk, verdict=Verdict.PENDING).update(
        verdict=verdict, reviewer=reviewer, decided_at=timezone.now(), comment=comment
    )
    if not decided:
        raise ReviewConflict("Somebody else has decided this review meanwhile.")
    Take.objects.filter(pk=review.take_id).update(verdict=verdict)
    review.take.job.outputs.filter(kind=FRAMES_KIND).release()


def _tell(take: Take, kind: str) -> None:
    job_id, groups = take.job_id, [take.shot.project.group, events.job_group(take.job_id)]
    transaction.on_commit(lambda: events.publish(kind, groups, job_id=str(job_id)))
