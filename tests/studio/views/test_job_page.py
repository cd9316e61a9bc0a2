"""The job's page: who may do what, and what is said when it is too late."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from generation.models import Attempt, Job, ModelCard
from generation.queue import lifecycle
from generation.scheduling import waiting_reasons
from generation.states import Priority, Status
from studio.accounts import access
from studio.models import Take
from tests.studio.conftest import LogIn, MakeTake

pytestmark = pytest.mark.django_db

MOVES = "priority front hold cancel clone"
HELD = "priority front release cancel clone"
BUTTONS = f"""
                     owner                colleague  lead                 boss
queued               {MOVES}              -          {MOVES}              {MOVES}
held                 {HELD}               -          {HELD}               {HELD}
running              cancel clone         -          cancel clone         cancel clone
cancelling           clone                -          clone                clone
finished             clone                -          clone                clone
failed               retry clone          -          retry clone          retry clone
cancelled            retry clone          -          retry clone          retry clone
"""

_HEAD, *_ROWS = [re.split(r"\s{2,}", line.strip()) for line in BUTTONS.strip().splitlines()]
CELLS = [
    (state, who, set(cell.replace("-", "").split()))
    for state, *cells in _ROWS
    for who, cell in zip(_HEAD, cells, strict=True)
]


@pytest.mark.parametrize(
    ("state", "who", "buttons"), CELLS, ids=[f"{state} job, {who}" for state, who, _ in CELLS]
)
def test_the_page_offers_what_may_be_done(
    state: str,
    who: str,
    buttons: set[str],
    take_in: MakeTake,
    log_in: LogIn,
    request: pytest.FixtureRequest,
) -> None:
    take = take_in(state)
    user = request.getfixturevalue({"owner": "artist"}.get(who, who))
    html = log_in(user).get(reverse("job", args=[take.job_id])).content.decode()

    assert set(re.findall(rf'action="/jobs/{take.job_id}/(\w+)/"', html)) == buttons


def press(client: Client, action: str, take: Take, **typed: str) -> HttpResponse:
    return client.post(reverse(f"job-{action}", args=[take.job_id]), typed)


def told(response: HttpResponse) -> list[str]:
    """The codes of the messages that the next page will show."""
    return [message.extra_tags for message in get_messages(response.wsgi_request)]


def status_of(take: Take) -> str:
    status: str = Job.objects.get(pk=take.job_id).status
    return status


@pytest.mark.parametrize(
    "action", ["cancel", "retry", "priority", "hold", "release", "front", "clone"]
)
def test_who_only_sees_a_job_may_not_change_it(
    action: str, queued: MakeTake, log_in: LogIn, colleague: User
) -> None:
    take = queued()

    assert press(log_in(colleague), action, take, priority="0").status_code == 403
    assert (status_of(take), Job.objects.get().priority) == (Status.QUEUED, Priority.NORMAL)


def test_a_waiting_job_is_cancelled_at_once(queued: MakeTake, log_in: LogIn, artist: User) -> None:
    take = queued()
    response = press(log_in(artist), "cancel", take)

    assert response["Location"] == reverse("job", args=[take.job_id])
    assert (status_of(take), told(response)) == (Status.CANCELLED, [])


def test_a_running_job_is_asked_to_let_go(running: MakeTake, log_in: LogIn, lead: User) -> None:
    take = running()

    assert told(press(log_in(lead), "cancel", take)) == []
    assert Job.objects.get().is_cancelling


@pytest.mark.parametrize(
    "state",
    ["finished", "cancelled", "cancelling"],
)
def test_a_cancel_that_comes_too_late_says_so(
    state: str, take_in: MakeTake, log_in: LogIn, artist: User
) -> None:
    assert told(press(log_in(artist), "cancel", take_in(state))) == ["nothing_to_cancel"]


def test_a_failed_job_can_be_tried_again(take_in: MakeTake, log_in: LogIn, artist: User) -> None:
    take = take_in("failed")

    assert told(press(log_in(artist), "retry", take)) == []
    assert status_of(take) == Status.QUEUED


def test_a_job_that_can_be_rendered_no_more_says_why(
    take_in: MakeTake, log_in: LogIn, artist: User
) -> None:
    take = take_in("failed")
    ModelCard.objects.update(is_active=False)

    response = press(log_in(artist), "retry", take)

    (said,) = get_messages(response.wsgi_request)
    assert said.extra_tags == "retry_refused"
    assert "Toon" in str(said)
    assert status_of(take) == Status.FAILED


def test_a_job_that_is_done_is_not_tried_again(
    finished: MakeTake, log_in: LogIn, artist: User
) -> None:
    take = finished()

    assert told(press(log_in(artist), "retry", take)) == ["retry_needs_end"]
    assert status_of(take) == Status.COMPLETED


def test_a_waiting_job_is_moved(queued: MakeTake, log_in: LogIn, artist: User) -> None:
    take = queued()

    assert told(press(log_in(artist), "priority", take, priority="0")) == []
    assert Job.objects.get().priority == Priority.URGENT


@pytest.mark.parametrize(
    ("state", "priority", "code"),
    [
        ("queued", "9", "priority_not_chosen"),
        ("queued", "soon", "priority_not_chosen"),
        ("queued", "", "priority_not_chosen"),
        ("queued", "2", "priority_not_changed"),
        ("running", "0", "priority_not_changed"),
        ("finished", "0", "priority_not_changed"),
    ],
)
def test_a_move_that_cannot_be_made_says_so(
    state: str, priority: str, code: str, take_in: MakeTake, log_in: LogIn, artist: User
) -> None:
    take = take_in(state)

    assert told(press(log_in(artist), "priority", take, priority=priority)) == [code]
    assert Job.objects.get().priority == Priority.NORMAL


def test_a_job_that_gave_way_says_where_it_goes_on(
    running: MakeTake, log_in: LogIn, artist: User
) -> None:
    take = running()
    lifecycle.preempt(Attempt.objects.get(job=take.job), {}, 2)
    html = page_of(log_in(artist), take)

    assert "It resumes after step 2 of 8." in html
    assert "Gave way to urgent work" in html


def page_of(client: Client, take: Take) -> str:
    html: str = client.get(reverse("job", args=[take.job_id])).content.decode()
    return html


def test_a_running_job_shows_bar_stage_preview_and_what_remains(
    running: MakeTake, log_in: LogIn, artist: User
) -> None:
    html = page_of(log_in(artist), running())

    assert '<progress max="100" value="22.2"' in html
    assert "Denoising, step 2 of 8" in html
    assert re.search(r"(30|29) s left", html)
    assert 'alt="Preview, step 2 of 8"' in html
    assert 'src="data:image/webp;base64,UklGRg=="' in html


def test_a_waiting_job_says_why_it_waits(queued: MakeTake, log_in: LogIn, artist: User) -> None:
    html = page_of(log_in(artist), queued())

    assert "Waiting, number 1 in the queue" in html
    assert waiting_reasons.NO_DEVICE_YET.say(work="draft images") in html
    assert "start: estimating" in html


def test_a_failed_job_says_what_went_wrong_and_what_to_do(
    take_in: MakeTake, log_in: LogIn, artist: User
) -> None:
    html = page_of(log_in(artist), take_in("failed"))

    assert "The folder is gone." in html
    assert "Register the model again" in html
    assert "<code>model_missing</code>" in html


def test_a_finished_job_shows_the_picture_and_leads_to_its_take(
    finished: MakeTake, log_in: LogIn, artist: User
) -> None:
    take = finished()
    output = take.output
    assert output is not None
    html = page_of(log_in(artist), take)

    assert f'<img src="/outputs/{output.pk}/" width="128" height="128"' in html
    assert f'href="/takes/{take.pk}/">Open the take</a>' in html
    assert "Writing the file" in html, "the time line of its attempt"


def test_the_page_connects_to_its_own_live_group_from_the_moment_of_its_paint(
    queued: MakeTake, log_in: LogIn, artist: User
) -> None:
    take = queued()
    html = page_of(log_in(artist), take)

    assert re.search(rf'ws-connect="/ws/live/job/{take.job_id}/\?since=20\d\d-[^"&]+"', html)


def test_a_job_of_no_take_has_a_page_too(log_in: LogIn, artist: User, submit: MakeTake) -> None:
    job = submit()
    html = log_in(artist).get(reverse("job", args=[job.pk])).content.decode()

    assert "<h1>Job</h1>" in html


def test_a_page_is_no_newer_than_what_it_has_read(
    queued: MakeTake, log_in: LogIn, artist: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What happens between the reading and the painting must make the page refresh."""
    take, client = queued(), log_in(artist)
    read_at: list[datetime] = []
    read = access.job_for

    def note(*asked: Any) -> Any:
        read_at.append(timezone.now())
        return read(*asked)

    monkeypatch.setattr(access, "job_for", note)
    page = client.get(reverse("job", args=[take.job_id]))

    assert datetime.fromisoformat(page.context["painted"]) <= read_at[0]
