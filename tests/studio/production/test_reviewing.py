"""Review: sent, decided once, and an approval starts the final by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from generation.errors import SpecError
from generation.live import events
from generation.models import ModelCard
from generation.scheduling.forecast import Forecaster
from generation.specs import Quality
from generation.states import Priority, Status
from studio.models import Project, Review, Style, Take, Verdict
from studio.production import refusals, reviewing
from studio.production.reviewing import ReviewConflict
from tests.studio.conftest import MakeTake, finish_job, fresh

pytestmark = pytest.mark.django_db


def test_a_finished_take_can_be_sent_to_review(finished: MakeTake, artist: User) -> None:
    take = finished()

    review = reviewing.request_review(take, artist, "Are the eyes right?")

    assert fresh(take).verdict == Verdict.PENDING
    assert (review.requested_by, review.message) == (artist, "Are the eyes right?")
    assert (review.verdict, review.reviewer, review.decided_at) == ("pending", None, None)


def test_a_take_that_is_not_finished_cannot_be_sent(queued: MakeTake, artist: User) -> None:
    with pytest.raises(ReviewConflict) as conflict:
        reviewing.request_review(queued(), artist)

    assert conflict.value.sentence == refusals.NOT_READY_FOR_REVIEW


def test_the_approval_of_a_final_signs_it_off(
    finished: MakeTake, artist: User, reviewer: User, forecaster: Forecaster
) -> None:
    final = finished(quality=Quality.FINAL)
    review = reviewing.request_review(final, artist)

    assert reviewing.approve(forecaster, review, reviewer, "That is it.") is None

    assert fresh(final).verdict == Verdict.APPROVED
    assert Take.objects.count() == 1


def test_the_frames_of_a_final_are_held_while_its_review_lasts(
    finished: MakeTake, artist: User, reviewer: User, forecaster: Forecaster
) -> None:
    final = finished(quality=Quality.FINAL)
    final.job.outputs.update(kind="frames")
    long_ago = timezone.now() - timedelta(days=400)
    final.job.outputs.update(ageing_since=long_ago)

    review = reviewing.request_review(final, artist)
    assert final.job.outputs.get().ageing_since is None

    reviewing.approve(forecaster, review, reviewer)
    assert final.job.outputs.get().ageing_since > long_ago


def test_of_two_who_send_the_same_take_one_is_told(finished: MakeTake, artist: User) -> None:
    first = finished()
    second = fresh(first)
    reviewing.request_review(first, artist)

    with pytest.raises(ReviewConflict) as conflict:
        reviewing.request_review(second, artist)

    assert conflict.value.sentence == refusals.IN_REVIEW_ALREADY
    assert Review.objects.filter(take=first).count() == 1


def test_an_approval_submits_the_final_of_the_same_picture(
    sent: MakeTake, artist: User, reviewer: User, forecaster: Forecaster
) -> None:
    draft = sent(priority=Priority.HIGH, seed=7)

    final = reviewing.approve(forecaster, draft.reviews.get(), reviewer, "Lovely.")

    before, after = draft.job.spec, final.job.spec
    assert after == replace(before, quality=Quality.FINAL, steps=30)
    assert (after.seed, after.width, after.height) == (7, 128, 128)
    assert (final.draft, fresh(draft).final) == (draft, final)
    assert (final.number, final.shot, final.prompt) == (2, draft.shot, draft.prompt)
    assert (final.job.status, final.job.priority) == (Status.QUEUED, Priority.HIGH)
    assert (final.created_by, final.job.owner) == (artist, artist)


def test_an_approval_is_written_on_the_take_and_its_review(
    sent: MakeTake, reviewer: User, forecaster: Forecaster
) -> None:
    draft = sent()

    reviewing.approve(forecaster, draft.reviews.get(), reviewer, "Lovely.")

    review = draft.reviews.get()
    assert fresh(draft).verdict == review.verdict == Verdict.APPROVED
    assert (review.reviewer, review.comment) == (reviewer, "Lovely.")
    assert review.decided_at is not None


def test_a_final_never_has_fewer_steps_than_its_draft(
    sent: MakeTake, reviewer: User, forecaster: Forecaster
) -> None:
    draft = sent(steps=50)

    assert reviewing.approve(forecaster, draft.reviews.get(), reviewer).job.spec.steps == 50


def test_a_final_has_the_steps_that_its_style_wants(
    sent: MakeTake, reviewer: User, toon: ModelCard, forecaster: Forecaster
) -> None:
    quick = Style.objects.create(slug="quick", name="Quick", steps=12)
    draft = sent(style=quick)

    assert draft.job.spec.steps == 3
    assert reviewing.approve(forecaster, draft.reviews.get(), reviewer).job.spec.steps == 12


@pytest.mark.parametrize(
    ("changes", "field"), [({"is_active": False}, "model"), ({"max_size": 64}, "width")]
)
def test_a_draft_whose_final_can_be_rendered_no_more_is_not_approved(
    changes: dict[str, Any], field: str, sent: MakeTake, reviewer: User, toon: ModelCard
) -> None:
    draft = sent()
    ModelCard.objects.update(**changes)

    with pytest.raises(SpecError) as refusal:
        reviewing.approve(Forecaster(), draft.reviews.get(), reviewer, "Lovely.")

    assert refusal.value.field == field
    review = draft.reviews.get()
    assert fresh(draft).verdict == review.verdict == Verdict.PENDING
    assert (review.reviewer, review.comment) == (None, "")
    assert Take.objects.count() == 1


def test_a_final_is_signed_off_although_its_model_is_switched_off(
    sent: MakeTake, reviewer: User, toon: ModelCard
) -> None:
    final = sent(quality=Quality.FINAL)
    ModelCard.objects.update(is_active=False)

    assert reviewing.approve(Forecaster(), final.reviews.get(), reviewer) is None
    assert fresh(final).verdict == Verdict.APPROVED


def test_a_change_is_asked_for_in_words(sent: MakeTake, reviewer: User) -> None:
    take = sent()

    reviewing.request_changes(take.reviews.get(), reviewer, "Less smile.")

    review = take.reviews.get()
    assert fresh(take).verdict == review.verdict == Verdict.CHANGES_REQUESTED
    assert review.comment == "Less smile."
    assert Take.objects.count() == 1, "no final of what should change"


def test_an_own_take_is_left_to_others_where_four_eyes_are_wanted(
    project: Project, sent: MakeTake, reviewer: User, forecaster: Forecaster
) -> None:
    Project.objects.update(four_eyes=True)
    take = sent(user=reviewer)

    with pytest.raises(ReviewConflict) as conflict:
        reviewing.approve(forecaster, take.reviews.get(), reviewer)

    assert conflict.value.sentence == refusals.OWN_TAKE
    assert fresh(take).verdict == Verdict.PENDING


Decide = Callable[[Review, User], Any]


@pytest.mark.parametrize(
    "late",
    [
        lambda review, user: reviewing.approve(Forecaster(), review, user),
        lambda review, user: reviewing.request_changes(review, user, "No."),
        reviewing.withdraw,
    ],
    ids=["approves", "asks for a change", "withdraws"],
)
def test_a_second_reviewer_is_told_that_somebody_else_was_faster(
    late: Decide, sent: MakeTake, reviewer: User, lead: User, forecaster: Forecaster
) -> None:
    take = sent()
    seen_by_both = take.reviews.get()
    reviewing.approve(forecaster, seen_by_both, reviewer)

    with pytest.raises(ReviewConflict) as conflict:
        late(Review.objects.get(pk=seen_by_both.pk), lead)

    assert conflict.value.sentence == refusals.REVIEW_DECIDED
    review = take.reviews.get()
    assert (review.verdict, review.reviewer) == (Verdict.APPROVED, reviewer)
    assert Take.objects.count() == 2, "one draft and one final"


def test_after_a_change_was_asked_for_the_take_can_be_sent_again(
    sent: MakeTake, artist: User, reviewer: User
) -> None:
    take = sent()
    reviewing.request_changes(take.reviews.get(), reviewer, "Less smile.")

    reviewing.request_review(fresh(take), artist, "It is a smile of the story.")

    rounds = list(take.reviews.values_list("verdict", flat=True))
    assert rounds == [Verdict.CHANGES_REQUESTED, Verdict.PENDING]


def test_a_retake_goes_its_own_way_through_review(
    sent: MakeTake, reviewer: User, artist: User, forecaster: Forecaster
) -> None:
    first = sent()
    reviewing.request_changes(first.reviews.get(), reviewer, "Less smile.")

    retake = sent()
    final = reviewing.approve(forecaster, retake.reviews.get(), reviewer)

    assert (first.number, retake.number, final.number) == (1, 2, 3)
    assert final.draft == retake
    assert fresh(first).verdict == Verdict.CHANGES_REQUESTED


def test_a_finished_final_may_be_reviewed_and_its_draft_not_again(
    sent: MakeTake, reviewer: User, artist: User, device: Any, forecaster: Forecaster
) -> None:
    draft = sent()
    final = reviewing.approve(forecaster, draft.reviews.get(), reviewer)
    finish_job(final, device)

    assert fresh(final).may_enter_review
    assert not fresh(draft).may_enter_review


@pytest.mark.parametrize(
    ("act", "kind"),
    [
        (lambda take, user: None, "take.review_requested"),
        (
            lambda take, user: reviewing.approve(Forecaster(), take.reviews.get(), user),
            "take.approved",
        ),
        (
            lambda take, user: reviewing.request_changes(take.reviews.get(), user, "No."),
            "take.changes_requested",
        ),
        (
            lambda take, user: reviewing.withdraw(take.reviews.get(), user),
            "take.review_withdrawn",
        ),
    ],
)
def test_watchers_of_project_and_job_and_the_artist_are_told_after_the_commit(
    act: Callable[[Take, User], Any],
    kind: str,
    sent: MakeTake,
    reviewer: User,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    told: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr(
        events, "publish", lambda kind, groups, **data: told.append((kind, list(groups), data))
    )
    with django_capture_on_commit_callbacks(execute=True):
        take = sent()
        act(take, reviewer)
        assert not told

    job_id = take.job_id
    groups = [take.shot.project.group, f"job.{job_id}", f"person.{take.created_by_id}"]
    assert (kind, groups, {"job_id": str(job_id)}) in told
