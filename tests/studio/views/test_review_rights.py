"""Second thoughts in a review: withdrawing, four eyes, and a comment that came too late."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from generation.scheduling.forecast import Forecaster
from studio.models import Project, Role, Take, Verdict
from studio.production import reviewing
from tests.studio.conftest import LogIn, MakeTake, fresh, member
from tests.studio.views.test_review_pages import buttons, page_of, press, told

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("who", ["artist", "lead", "boss"])
def test_who_sent_a_take_and_admins_withdraw_it(
    who: str, sent: MakeTake, log_in: LogIn, request: pytest.FixtureRequest
) -> None:
    take = sent()
    client = log_in(request.getfixturevalue(who))

    assert told(press(client, "withdraw", take)) == ["withdrawn"]
    assert fresh(take).verdict == Verdict.NONE
    html = page_of(client, take)
    assert f"Withdrawn</strong> by {who}" in html
    assert buttons(html) == {"review"}


@pytest.mark.parametrize(
    ("who", "status"), [("colleague", 403), ("reviewer", 403), ("stranger", 404)]
)
def test_others_do_not(
    who: str, status: int, sent: MakeTake, log_in: LogIn, request: pytest.FixtureRequest
) -> None:
    take = sent()

    response = press(log_in(request.getfixturevalue(who)), "withdraw", take)

    assert response.status_code == status
    assert fresh(take).verdict == Verdict.PENDING


def test_a_withdrawal_after_the_verdict_is_told_the_verdict(
    sent: MakeTake, log_in: LogIn, artist: User, reviewer: User
) -> None:
    take = sent()
    reviewing.request_changes(take.reviews.get(), reviewer, "Less smile.")

    assert told(press(log_in(artist), "withdraw", take)) == ["review_decided"]
    assert fresh(take).verdict == Verdict.CHANGES_REQUESTED


def test_withdrawn_rounds_are_no_recent_verdicts(
    sent: MakeTake, log_in: LogIn, artist: User
) -> None:
    take = sent()
    reviewing.withdraw(take.reviews.get(), artist)

    response = log_in(artist).get("/reviews/")

    assert list(response.context["decided"]) == []


@pytest.mark.parametrize("decided", ["approved", "asked for a change", "withdrawn"])
@pytest.mark.parametrize("action", ["approve", "changes"])
def test_a_comment_that_came_too_late_comes_back_with_who_decided_what(
    decided: str, action: str, sent: MakeTake, log_in: LogIn, reviewer: User, lead: User
) -> None:
    take = sent()
    review = take.reviews.get()
    if decided == "approved":
        reviewing.approve(Forecaster(), review, lead)
    elif decided == "withdrawn":
        reviewing.withdraw(review, lead)
    else:
        reviewing.request_changes(review, lead, "No.")

    response = press(log_in(reviewer), action, take, comment="The left hand <is> wrong.")

    assert response.status_code == 409
    wanted = "review_withdrawn" if decided == "withdrawn" else "review_decided"
    assert told(response) == [wanted]
    html = response.content.decode()
    assert "The left hand &lt;is&gt; wrong.</textarea>" in html
    assert "lead has" in html
    assert "The left hand" not in take.reviews.get().comment


def test_a_message_to_a_reviewer_comes_back_when_another_has_sent_the_take(
    sent: MakeTake, log_in: LogIn, colleague: User
) -> None:
    response = press(log_in(colleague), "review", sent(), comment="Is the hand right?")

    assert response.status_code == 409
    assert told(response) == ["not_ready_for_review"]
    assert "Is the hand right?</textarea>" in response.content.decode()


@pytest.fixture
def strict(project: Project) -> Project:
    project.four_eyes = True
    project.save()
    return project


def own_take(who: str, request: pytest.FixtureRequest, sent: MakeTake) -> tuple[User, Take]:
    """A take of somebody who may review, in review."""
    person: User = request.getfixturevalue(who)
    return person, sent(user=person)


@pytest.mark.parametrize("who", ["reviewer", "lead", "boss"])
def test_nobody_approves_their_own_take_where_four_eyes_are_wanted(
    who: str, strict: Project, sent: MakeTake, log_in: LogIn, request: pytest.FixtureRequest
) -> None:
    person, take = own_take(who, request, sent)
    client = log_in(person)

    assert not has_approve_button(page_of(client, take))
    response = press(client, "approve", take)
    assert response.status_code == 403
    assert "nobody approves a take of their own" in response.content.decode()
    assert fresh(take).verdict == Verdict.PENDING
    assert told(press(client, "changes", take, comment="Again.")) == ["changes_requested"]


def has_approve_button(html: str) -> bool:
    return 'data-key-name="Approve"' in html


def test_another_reviewer_approves_it(
    strict: Project, sent: MakeTake, log_in: LogIn, reviewer: User
) -> None:
    other = member(strict, "other", Role.REVIEWER)
    take = sent(user=reviewer)
    client: Client = log_in(other)

    assert has_approve_button(page_of(client, take))
    response: HttpResponse = press(client, "approve", take)
    assert told(response) == ["approved_with_final"]


def test_without_the_rule_a_reviewer_may_approve_their_own(
    project: Project, sent: MakeTake, log_in: LogIn, reviewer: User
) -> None:
    assert not project.four_eyes

    assert told(press(log_in(reviewer), "approve", sent(user=reviewer))) == ["approved_with_final"]
