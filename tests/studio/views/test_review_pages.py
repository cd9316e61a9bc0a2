"""The take's page and the review room: who may decide, and what is said afterwards."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from generation.models import ModelCard
from generation.scheduling.forecast import Forecaster
from generation.specs import Quality
from studio.models import Style, Take, Verdict
from studio.production import reviewing
from tests.studio.conftest import LogIn, MakeTake, finish_job, fresh

pytestmark = pytest.mark.django_db


def press(client: Client, action: str, take: Take, **typed: str) -> HttpResponse:
    return client.post(reverse(f"take-{action}", args=[take.pk]), typed)


def told(response: HttpResponse) -> list[str]:
    """The codes of the messages that the next page will show."""
    return [message.extra_tags for message in get_messages(response.wsgi_request)]


def page_of(client: Client, take: Take) -> str:
    html: str = client.get(take.get_absolute_url()).content.decode()
    return html


def buttons(html: str) -> set[str]:
    """What may be done about the review; going on from a finished take is another matter."""
    return set(re.findall(r'action="/takes/\d+/(\w+)/"', html)) - {"enhance", "delete"}


@pytest.mark.parametrize(
    ("who", "offered"),
    [
        ("artist", {"withdraw"}),
        ("colleague", set()),
        ("reviewer", {"approve", "changes"}),
        ("lead", {"approve", "changes", "withdraw"}),
        ("boss", {"approve", "changes", "withdraw"}),
    ],
)
def test_a_take_in_review_offers_a_verdict_to_who_may_give_it(
    who: str, offered: set[str], sent: MakeTake, log_in: LogIn, request: pytest.FixtureRequest
) -> None:
    take = sent()

    assert buttons(page_of(log_in(request.getfixturevalue(who)), take)) == offered


@pytest.mark.parametrize("who", ["artist", "colleague", "reviewer"])
def test_a_finished_take_can_be_sent_by_every_member(
    who: str, finished: MakeTake, log_in: LogIn, request: pytest.FixtureRequest
) -> None:
    take = finished()
    client = log_in(request.getfixturevalue(who))

    assert buttons(page_of(client, take)) == {"review"}
    assert told(press(client, "review", take, comment="The eyes?")) == []
    assert fresh(take).verdict == Verdict.PENDING
    assert take.reviews.get().message == "The eyes?"


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_take_without_a_picture_offers_nothing_yet(
    state: str, log_in: LogIn, artist: User, request: pytest.FixtureRequest
) -> None:
    take = request.getfixturevalue(state)()
    client = log_in(artist)

    assert buttons(page_of(client, take)) == set()
    assert told(press(client, "review", take)) == ["not_ready_for_review"]


def test_sending_a_take_twice_says_so(sent: MakeTake, log_in: LogIn, artist: User) -> None:
    said = "not_ready_for_review"

    assert told(press(log_in(artist), "review", sent())) == [said]


def test_an_approval_says_that_the_final_is_in_the_queue(
    sent: MakeTake, log_in: LogIn, reviewer: User
) -> None:
    draft = sent()
    client = log_in(reviewer)
    response = press(client, "approve", draft, comment="Lovely.")

    assert response["Location"] == draft.get_absolute_url()
    assert told(response) == ["approved_with_final"]
    html = page_of(client, draft)
    assert "Its final is <a" in html
    assert "by reviewer: " in html
    assert "Lovely." in html


def test_a_reviewer_is_told_why_a_final_cannot_be_rendered(
    sent: MakeTake, log_in: LogIn, reviewer: User
) -> None:
    draft = sent()
    ModelCard.objects.update(is_active=False)

    response = press(log_in(reviewer), "approve", draft)

    assert response["Location"] == draft.get_absolute_url()
    (said,) = get_messages(response.wsgi_request)
    assert said.extra_tags == "approval_refused"
    assert "Toon" in str(said)
    assert fresh(draft).verdict == Verdict.PENDING


def test_a_request_for_a_change_needs_words(sent: MakeTake, log_in: LogIn, reviewer: User) -> None:
    take = sent()
    response = press(log_in(reviewer), "changes", take, comment="  ")

    assert response.status_code == 422
    assert "Say what should change." in response.content.decode()
    assert fresh(take).verdict == Verdict.PENDING


def test_a_request_for_a_change_is_shown_to_the_artist(
    sent: MakeTake, log_in: LogIn, reviewer: User, artist: User
) -> None:
    take = sent()
    response = press(log_in(reviewer), "changes", take, comment="Less smile.")

    assert told(response) == ["changes_requested"]
    html = page_of(log_in(artist), take)
    assert "Less smile." in html
    assert buttons(html) == {"review"}, "it may be sent again"


@pytest.mark.parametrize(
    ("action", "typed"), [("approve", {}), ("changes", {"comment": "Less smile."})]
)
def test_who_comes_too_late_with_a_verdict_is_told_the_one_that_was_given(
    action: str,
    typed: dict[str, str],
    sent: MakeTake,
    log_in: LogIn,
    reviewer: User,
    lead: User,
    forecaster: Forecaster,
) -> None:
    take = sent()
    reviewing.approve(forecaster, take.reviews.get(), lead)
    response = press(log_in(reviewer), action, take, **typed)

    assert response.status_code == (409 if typed else 302)
    assert told(response) == ["review_decided"]
    assert Take.objects.count() == 2


def test_who_comes_a_moment_too_late_is_told_as_well(
    sent: MakeTake,
    log_in: LogIn,
    reviewer: User,
    lead: User,
    monkeypatch: pytest.MonkeyPatch,
    forecaster: Forecaster,
) -> None:
    take = sent()
    found_by_both = take.reviews.get()
    monkeypatch.setattr("studio.accounts.access.open_review_for", lambda *_: found_by_both)
    reviewing.approve(forecaster, found_by_both, lead)
    said = ["review_decided"]

    assert told(press(log_in(reviewer), "approve", take)) == said
    assert told(press(log_in(reviewer), "changes", take, comment="No.")) == said


def test_a_comment_that_is_too_long_is_told_and_kept(
    finished: MakeTake, log_in: LogIn, artist: User
) -> None:
    long = "a" * 2001
    response = press(log_in(artist), "review", finished(), comment=long)

    assert response.status_code == 422
    assert "at most 2000 characters" in response.content.decode()
    assert long in response.content.decode()


def test_a_verdict_with_too_long_a_comment_decides_nothing(
    sent: MakeTake, log_in: LogIn, reviewer: User
) -> None:
    take = sent()

    assert press(log_in(reviewer), "approve", take, comment="a" * 2001).status_code == 422
    assert fresh(take).verdict == Verdict.PENDING


def test_from_the_review_room_the_next_waiting_take_follows(
    sent: MakeTake, log_in: LogIn, reviewer: User
) -> None:
    first, second = sent(), sent()
    client = log_in(reviewer)

    followed = press(client, "approve", first, next="1")["Location"]
    assert followed == second.get_absolute_url()
    last = press(client, "changes", second, next="1", comment="Less smile.")["Location"]
    assert last == second.get_absolute_url()


def test_the_room_shows_what_waits_the_oldest_first_and_what_was_decided(
    sent: MakeTake, log_in: LogIn, reviewer: User, artist: User
) -> None:
    decided, first, second = sent(), sent(), sent()
    reviewing.request_changes(decided.reviews.get(), reviewer, "Less smile.")
    response = log_in(artist).get("/reviews/")

    assert [card["take"] for card in response.context["cards"]] == [first, second]
    html = response.content.decode()
    assert "Changes requested by reviewer" in html
    assert "Less smile." in html


def test_the_room_of_a_stranger_is_empty(sent: MakeTake, log_in: LogIn, stranger: User) -> None:
    sent()
    html = log_in(stranger).get("/reviews/").content.decode()

    assert "Nothing waits for a verdict." in html
    assert "Arrival" not in html


def test_the_finals_page_leads_back_to_its_draft(
    sent: MakeTake,
    log_in: LogIn,
    reviewer: User,
    artist: User,
    device: object,
    forecaster: Forecaster,
) -> None:
    draft = sent()
    final = reviewing.approve(forecaster, draft.reviews.get(), reviewer)
    finish_job(final, device)  # type: ignore[arg-type]
    html = page_of(log_in(artist), final)

    assert f'<a href="{draft.get_absolute_url()}">take 1</a>' in html
    assert buttons(html) == {"review"}, "a final may be sent to be signed off"


def test_a_reviewer_sees_what_the_final_will_be(
    sent: MakeTake, reviewer: User, log_in: LogIn
) -> None:
    take = sent(style=Style.objects.create(slug="fine", name="Fine", steps=90))
    Style.objects.all().delete()

    page = log_in(reviewer).get(take.get_absolute_url()).content.decode()

    assert "90 steps, 128×128" in page
    assert "estimating" in page, "no render of this kind was measured"


def test_a_final_in_review_announces_no_other(
    sent: MakeTake, reviewer: User, log_in: LogIn
) -> None:
    page = log_in(reviewer).get(sent(quality=Quality.FINAL).get_absolute_url()).content.decode()

    assert "Its final" not in page
