"""A sent review can be taken back until it is decided."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from generation.scheduling.forecast import Forecaster
from studio.models import Review, Verdict
from studio.production import reviewing
from studio.production.reviewing import ReviewConflict
from tests.studio.conftest import MakeTake, fresh

pytestmark = pytest.mark.django_db


def test_a_withdrawn_take_is_where_it_was_before(
    sent: MakeTake, artist: User, reviewer: User
) -> None:
    take = sent()
    reviewing.withdraw(take.reviews.get(), artist)
    assert fresh(take).verdict == Verdict.NONE

    reviewing.request_review(fresh(take), artist)
    reviewing.request_changes(take.reviews.get(verdict=Verdict.PENDING), reviewer, "Less smile.")
    for _ in range(2):
        reviewing.request_review(fresh(take), artist)
        reviewing.withdraw(take.reviews.get(verdict=Verdict.PENDING), artist)
    assert fresh(take).verdict == Verdict.CHANGES_REQUESTED


def test_the_round_stays_with_who_withdrew_it(sent: MakeTake, artist: User) -> None:
    take = sent()

    reviewing.withdraw(take.reviews.get(), artist)

    review = take.reviews.get()
    assert (review.verdict, review.reviewer) == (Verdict.WITHDRAWN, artist)
    assert review.decided_at is not None


@pytest.mark.parametrize(
    "late",
    [
        lambda review, user: reviewing.approve(Forecaster(), review, user),
        lambda review, user: reviewing.request_changes(review, user, "No."),
    ],
    ids=["approves", "asks for a change"],
)
def test_who_decides_after_that_is_told_who_withdrew_it(
    late: Callable[[Review, User], Any], sent: MakeTake, artist: User, reviewer: User
) -> None:
    take = sent()
    seen_before = take.reviews.get()
    reviewing.withdraw(take.reviews.get(), artist)

    with pytest.raises(ReviewConflict) as conflict:
        late(seen_before, reviewer)

    assert conflict.value.said.code == "review_withdrawn"
    assert conflict.value.said.values == {"who": "artist"}
    assert fresh(take).verdict == Verdict.NONE


@pytest.mark.django_db(transaction=True)
def test_one_of_a_verdict_and_a_withdrawal_at_the_same_moment_wins(
    sent: MakeTake, artist: User, reviewer: User
) -> None:
    take = sent()
    review = take.reviews.get()
    lost: list[str] = []

    def act(what: Callable[[], Any]) -> None:
        try:
            what()
        except ReviewConflict as problem:
            lost.append(problem.said.code)
        finally:
            connection.close()

    acts = [
        lambda: reviewing.withdraw(Review.objects.get(pk=review.pk), artist),
        lambda: reviewing.request_changes(Review.objects.get(pk=review.pk), reviewer, "No."),
    ]
    threads = [threading.Thread(target=act, args=[what]) for what in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    review.refresh_from_db()
    won = {
        Verdict.WITHDRAWN: (Verdict.NONE, ["review_withdrawn"]),
        Verdict.CHANGES_REQUESTED: (Verdict.CHANGES_REQUESTED, ["review_decided"]),
    }
    verdict, told = won[Verdict(review.verdict)]
    assert len(lost) <= 1
    assert (fresh(take).verdict, lost) == (verdict, told)
