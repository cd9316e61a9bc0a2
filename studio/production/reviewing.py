"""Reviews: a take is sent to review, a reviewer decides, and an approval submits the final.
Until then it can be withdrawn.

A final may be reviewed too; its approval signs it off. The lossless frames of a clip are kept while
its review is open; their retention period (`GENGA_FRAMES_DAYS`) begins afterwards.

A review is ended by a conditional UPDATE that must change one row. When two people decide, or one
withdraws it, at the same moment, the first wins and the second gets a ReviewConflict.
"""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from generation.live import events
from generation.models.output import FRAMES_KIND
from generation.scheduling.forecast import Forecaster
from generation.sentences import Said, Sentence
from generation.states import Priority
from studio.models import Review, Take, Verdict
from studio.ordering import submission
from studio.ordering.planner import Plan, plan_again
from studio.production import refusals


class ReviewConflict(Exception):
    """Somebody else was faster, or the take is in the wrong state. The sentence says which."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.text)
        self.said = said

    @property
    def sentence(self) -> Sentence:
        """What is said, without its values."""
        return self.said.sentence


def request_review(take: Take, user: User, message: str = "") -> Review:
    """Send a finished take to review. Raises ReviewConflict when it cannot be sent."""
    if not take.may_enter_review:
        raise ReviewConflict(refusals.NOT_READY_FOR_REVIEW.said())
    with transaction.atomic():
        moved = Take.objects.filter(
            pk=take.pk, verdict__in=[Verdict.NONE, Verdict.CHANGES_REQUESTED]
        ).update(verdict=Verdict.PENDING)
        if not moved:
            raise ReviewConflict(refusals.IN_REVIEW_ALREADY.said())
        review = Review.objects.create(take=take, requested_by=user, message=message)
        take.job.outputs.filter(kind=FRAMES_KIND).hold()
        _tell(take, "take.review_requested")
    return review


def approve(
    forecaster: Forecaster, review: Review, reviewer: User, comment: str = ""
) -> Take | None:
    """Approve a take, submit its final with the same seed and settings, return the final's take.

    Returns None for a final, which is signed off. Raises ReviewConflict when the review was decided
    before or is left to others, and SpecError when the final can no longer be rendered; nothing is
    written then.
    """
    if review.take.is_left_to_others(reviewer):
        raise ReviewConflict(refusals.OWN_TAKE.said())
    planned = None if review.take.is_final else _plan_final(forecaster, review.take)
    with transaction.atomic():
        _decide(review, reviewer, Verdict.APPROVED, comment)
        final = None if planned is None else _submit_final(review.take, planned)
        _tell(review.take, "take.approved")
    return final


def request_changes(review: Review, reviewer: User, comment: str) -> None:
    """Ask for changes; `comment` describes them. Raises ReviewConflict when decided before."""
    with transaction.atomic():
        _decide(review, reviewer, Verdict.CHANGES_REQUESTED, comment)
        _tell(review.take, "take.changes_requested")


def withdraw(review: Review, user: User) -> None:
    """End a review without a verdict; the take's verdict is again the one of the round before.

    Raises ReviewConflict when it was decided before.
    """
    take = review.take
    with transaction.atomic():
        rounds = take.reviews.exclude(verdict__in=[Verdict.PENDING, Verdict.WITHDRAWN])
        before = rounds.order_by("requested_at").last()
        _end(review, user, Verdict.WITHDRAWN)
        Take.objects.filter(pk=take.pk).update(verdict=before.verdict if before else Verdict.NONE)
        _tell(take, "take.review_withdrawn")


def outcome(take: Take) -> Said | None:
    """Who ended the latest review of a take, and how; None while it is open or without one."""
    review = take.reviews.select_related("reviewer").order_by("requested_at").last()
    if review is None or review.reviewer is None:
        return None
    who = review.reviewer.get_short_name() or review.reviewer.get_username()
    if review.verdict == Verdict.WITHDRAWN:
        return refusals.REVIEW_WITHDRAWN.said(who=who)
    return refusals.REVIEW_DECIDED.said(who=who, verdict=review.get_verdict_display().lower())


def _plan_final(forecaster: Forecaster, draft: Take) -> Plan:
    job, spec = draft.job, submission.settled_final(draft)
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
    _end(review, reviewer, verdict, comment)
    Take.objects.filter(pk=review.take_id).update(verdict=verdict)


def _end(review: Review, user: User, verdict: Verdict, comment: str = "") -> None:
    ended = Review.objects.filter(pk=review.pk, verdict=Verdict.PENDING).update(
        verdict=verdict, reviewer=user, decided_at=timezone.now(), comment=comment
    )
    if not ended:
        said = outcome(review.take)
        assert said is not None
        raise ReviewConflict(said)
    review.take.job.outputs.filter(kind=FRAMES_KIND).release()


def _tell(take: Take, kind: str) -> None:
    job_id, groups = take.job_id, [take.shot.project.group, events.job_group(take.job_id)]
    groups.append(events.person_group(take.job.owner_id))
    transaction.on_commit(lambda: events.publish(kind, groups, job_id=str(job_id)))
