"""Hold, release, to the front and clone, from the job's page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from generation.models import Job, ModelCard
from generation.scheduling.forecast import Forecaster
from studio.models import Take
from studio.ordering import submission
from tests.studio.conftest import LogIn, MakeTake

pytestmark = pytest.mark.django_db


def press(client: Client, action: str, take: Take) -> HttpResponse:
    return client.post(reverse(f"job-{action}", args=[take.job_id]))


def told(response: HttpResponse) -> list[str]:
    """The codes of the messages that the next page will show."""
    return [message.extra_tags for message in get_messages(response.wsgi_request)]


def page_of(client: Client, take: Take) -> str:
    html: str = client.get(reverse("job", args=[take.job_id])).content.decode()
    return html


def test_a_waiting_job_is_held_and_released(queued: MakeTake, log_in: LogIn, artist: User) -> None:
    take, client = queued(), log_in(artist)

    assert told(press(client, "hold", take)) == []
    assert Job.objects.get().is_held
    html = page_of(client, take)
    assert "On hold" in html
    assert "until it is released" in html
    assert told(press(client, "release", take)) == []
    assert not Job.objects.get().is_held


def test_the_front_is_before_the_owners_other_jobs(
    queued: MakeTake, log_in: LogIn, artist: User
) -> None:
    first, second = queued(), queued()

    assert told(press(log_in(artist), "front", second)) == []
    assert list(Job.objects.waiting()) == [second.job, first.job]


@pytest.mark.parametrize(
    ("action", "state", "code"),
    [
        ("hold", "running", "hold_needs_waiting"),
        ("hold", "held", "hold_needs_waiting"),
        ("release", "queued", "nothing_to_release"),
        ("front", "queued", "not_moved_to_front"),
        ("front", "finished", "not_moved_to_front"),
    ],
)
def test_what_cannot_be_done_says_why(
    action: str, state: str, code: str, take_in: MakeTake, log_in: LogIn, artist: User
) -> None:
    assert told(press(log_in(artist), action, take_in(state))) == [code]


def test_a_clone_opens_its_own_page(finished: MakeTake, log_in: LogIn, artist: User) -> None:
    take = finished()
    response = press(log_in(artist), "clone", take)

    clone = Take.objects.exclude(pk=take.pk).get()
    assert response["Location"] == reverse("job", args=[clone.job_id])
    assert told(response) == ["cloned"]
    assert clone.job.spec.seed != take.job.spec.seed
    assert (clone.created_by, clone.job.owner) == (artist, artist)


def test_what_cannot_be_cloned_says_why(
    finished: MakeTake, log_in: LogIn, artist: User, toon: ModelCard
) -> None:
    take = finished()
    ModelCard.objects.update(is_active=False)

    assert told(press(log_in(artist), "clone", take)) == ["model_off"]
    assert Take.objects.count() == 1


def test_a_take_that_was_only_enlarged_is_not_cloned(
    finished: MakeTake, log_in: LogIn, artist: User, forecaster: Forecaster
) -> None:
    enlarged, _ = submission.enhance(forecaster, finished(), artist, upscale=2, upscaler="lanczos")
    client = log_in(artist)

    assert "/clone/" not in page_of(client, enlarged)
    assert told(press(client, "clone", enlarged)) == ["not_drawn"]
