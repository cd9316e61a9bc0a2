"""What people do to the queue from the dashboard: many jobs at once, and the devices."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.contrib.messages import get_messages
from django.contrib.messages.storage.base import Message
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from generation.models import Device, Job, ModelCard
from generation.states import Pause, Priority, Status
from studio.models import Take
from studio.production import bulk_actions
from tests.studio.conftest import LogIn, MakeTake

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(log_in: LogIn, artist: User) -> Client:
    return log_in(artist)


def press(client: Client, action: str, *takes: Take, **headers: str) -> HttpResponse:
    asked = {"action": action, "job": [str(take.job_id) for take in takes]}
    return client.post(reverse("queue-act"), asked, headers=headers)


def message(response: HttpResponse) -> Message:
    """The response's own message: the newest that the next page will show."""
    return list(get_messages(response.wsgi_request))[-1]


def told(response: HttpResponse) -> list[str]:
    """The codes of its sentences."""
    return message(response).extra_tags.split()


@pytest.mark.parametrize(
    ("action", "code", "fields"),
    [
        ("cancel", "jobs_cancelled", {"status": Status.CANCELLED}),
        ("hold", "jobs_held", {"held_at__isnull": False}),
        ("urgent", "jobs_moved", {"priority": Priority.URGENT}),
        ("low", "jobs_moved", {"priority": Priority.LOW}),
    ],
)
def test_the_chosen_jobs_are_changed_and_no_others(
    action: str, code: str, fields: dict[str, Any], client: Client, queued: MakeTake
) -> None:
    first, second, _ = queued(), queued(), queued()

    response = press(client, action, first, second)

    assert response["Location"] == "/"
    assert told(response) == [code]
    assert str(message(response)).startswith("2 jobs ")
    assert set(Job.objects.filter(**fields)) == {first.job, second.job}


def test_jobs_moved_to_the_front_keep_their_order(client: Client, queued: MakeTake) -> None:
    takes = [queued() for _ in range(4)]

    press(client, "front", takes[3], takes[2])

    assert list(Job.objects.waiting()) == [takes[n].job for n in (2, 3, 0, 1)]


def test_held_jobs_are_released_and_cancelled_ones_wait_again(
    client: Client, queued: MakeTake
) -> None:
    take = queued()
    for action, code in (
        ("hold", "jobs_held"),
        ("release", "jobs_released"),
        ("cancel", "jobs_cancelled"),
        ("retry", "jobs_retried"),
    ):
        assert told(press(client, action, take)) == [code]

    take.job.refresh_from_db()
    assert (take.job.status, take.job.held_at) == (Status.QUEUED, None)


def test_what_could_not_be_changed_is_said_with_its_reason(
    client: Client, queued: MakeTake, finished: MakeTake, colleague: User
) -> None:
    mine, done, theirs = queued(), finished(), queued(user=colleague)

    said = told(press(client, "cancel", mine, done, theirs))

    assert said == ["jobs_cancelled", "not_cancelled", "not_yours"]
    theirs.job.refresh_from_db()
    assert theirs.job.status == Status.QUEUED


def test_jobs_that_can_be_rendered_no_more_are_left_with_the_reason(
    client: Client, queued: MakeTake, finished: MakeTake
) -> None:
    small, first, second = queued(), queued(width=192), queued(width=192)
    done = finished()
    press(client, "cancel", small, first, second)
    ModelCard.objects.update(max_size=128)

    response = press(client, "retry", small, first, second, done)

    assert told(response) == ["jobs_retried", "not_retried", "jobs_refused"]
    moved, left, refused = str(message(response)).split(". ", 2)
    assert moved.startswith("1 job ")
    assert left.startswith("1 job was ")
    assert refused.startswith("2 jobs were ")
    assert "192" in refused
    assert "Allowed: multiples of 8 from 128 to 128." in refused
    assert set(Job.objects.filter(status=Status.QUEUED)) == {small.job}


def test_when_nothing_moved_that_is_said(client: Client, finished: MakeTake) -> None:
    said = told(press(client, "hold", finished()))

    assert said == ["no_job_changed", "not_held"]


def test_a_live_page_is_answered_with_the_sentence_alone(client: Client, queued: MakeTake) -> None:
    answer = press(client, "cancel", queued(), **{"HX-Request": "true"})

    html = answer.content.decode()
    assert html.startswith('<ul id="said"')
    assert '<li class="success" data-code="jobs_cancelled">1 job ' in html
    assert "<html" not in html


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ("", "action_not_chosen"),
        ("delete", "action_not_chosen"),
        ("cancel", "jobs_not_chosen"),
    ],
)
def test_a_form_that_says_too_little_says_what_is_missing(
    action: str, code: str, client: Client
) -> None:
    assert told(press(client, action)) == [code]


def test_too_many_at_once_change_nothing(client: Client, queued: MakeTake) -> None:
    take = queued()
    ids = [str(take.job_id), *(str(uuid4()) for _ in range(bulk_actions.MOST))]

    response = client.post(reverse("queue-act"), {"action": "cancel", "job": ids})

    assert told(response) == ["too_many_jobs"]
    assert "500" in str(message(response))
    assert Job.objects.get().status == Status.QUEUED


@pytest.mark.parametrize(
    ("who", "status"), [("stranger", 404), ("colleague", 403), ("reviewer", 403), ("lead", 302)]
)
def test_who_may_change_none_of_them_is_refused(
    who: str, status: int, queued: MakeTake, log_in: LogIn, request: pytest.FixtureRequest
) -> None:
    take = queued()
    client = log_in(request.getfixturevalue(who))

    assert press(client, "cancel", take).status_code == status
    changed = status == 302
    assert Job.objects.get().status == (Status.CANCELLED if changed else Status.QUEUED)


def test_what_is_no_id_is_not_there(client: Client) -> None:
    for ids in (["7"], [str(uuid4())], ["7", str(uuid4())]):
        answer = client.post(reverse("queue-act"), {"action": "cancel", "job": ids})
        assert answer.status_code == 404, ids


def test_it_is_a_form_of_ours_for_people_we_know(artist: User, client: Client) -> None:
    address = reverse("queue-act")
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(artist)

    assert Client().post(address)["Location"] == f"/login/?next={address}"
    assert client.get(address)["Location"] == "/"
    assert careful.post(address, {"action": "cancel"}).status_code == 403


def test_all_of_mine_are_those_that_wait_or_are_on_hold(
    client: Client, queued: MakeTake, running: MakeTake, device: Device, colleague: User
) -> None:
    running()
    first, second, _ = queued(), queued(), queued(user=colleague)
    press(client, "hold", second)

    mine = client.get(reverse("queue-mine")).json()["job_ids"]

    assert mine == [str(first.job_id), str(second.job_id)]
    assert Client().get(reverse("queue-mine")).status_code == 302


def test_a_lead_is_told_which_jobs_of_others_may_be_changed(
    queued: MakeTake, log_in: LogIn, lead: User, artist: User, boss: User
) -> None:
    take = queued()

    def said(user: User) -> str:
        html: str = log_in(user).get(reverse("queue-changeable")).content.decode()
        return html

    assert f'data-jobs="{take.job_id}"' in said(lead)
    assert "data-actions" in said(lead), "it is asked for again when something moves"
    assert 'data-jobs=""' in said(artist), "one's own are known by their owner"
    assert "data-actions" not in said(artist)
    assert "data-all" in said(boss)


def test_the_dashboard_has_one_form_for_the_list_outside_of_what_is_pushed(
    client: Client, queued: MakeTake
) -> None:
    queued()
    html = client.get("/").content.decode()

    waiting = html[
        html.index('id="waiting"') : html.index("</section>", html.index('id="waiting"'))
    ]
    assert "<form" not in waiting
    assert "csrf" not in waiting
    assert html.count('action="/queue/act/"') == 1
    assert "hx-preserve" in html[html.index('id="act"') :]
    for key in ("j", "k", "x", "X", "h", "f", "c", "1", "2", "3", "4"):
        assert f'data-key="{key}"' in html, key


def pause(client: Client, device: Device, wanted: str) -> HttpResponse:
    return client.post(reverse("device-pause", args=[device.pk]), {"pause": wanted})


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ("after_job", "device_stops_later"),
        ("at_once", "device_stops_now"),
    ],
)
def test_a_lead_of_the_house_stops_a_device_and_lets_it_work_again(
    wanted: str, code: str, log_in: LogIn, boss: User, device: Device
) -> None:
    client = log_in(boss)

    assert told(pause(client, device, wanted)) == [code]
    device.refresh_from_db()
    assert device.pause == wanted
    assert told(pause(client, device, wanted)) == ["device_unchanged"]
    assert told(pause(client, device, "")) == ["device_works"]
    device.refresh_from_db()
    assert device.pause == Pause.NONE


def test_stopping_writes_nothing_else_of_the_device(
    log_in: LogIn, boss: User, device: Device
) -> None:
    before = Device.objects.values().get()

    pause(log_in(boss), device, "after_job")

    assert Device.objects.values().get() == {**before, "pause": "after_job"}


@pytest.mark.parametrize("wanted", ["for lunch", "none"])
def test_a_state_that_no_device_has_is_refused(
    wanted: str, log_in: LogIn, boss: User, device: Device
) -> None:
    said = told(pause(log_in(boss), device, wanted))

    assert said == ["pause_not_chosen"]
    assert Device.objects.get().pause == Pause.NONE


def test_devices_are_stopped_by_staff_who_may_change_them(
    log_in: LogIn, artist: User, lead: User, boss: User, device: Device
) -> None:
    staff = User.objects.create_user("staff", is_staff=True)
    trusted = User.objects.create_user("trusted", is_staff=True)
    trusted.user_permissions.add(Permission.objects.get(codename="change_device"))
    codes = {
        user.username: pause(log_in(user), device, "after_job").status_code
        for user in (artist, lead, staff, trusted, boss)
    }

    assert codes == {"artist": 403, "lead": 403, "staff": 403, "trusted": 302, "boss": 302}
    shown = {
        user.username: 'id="device-controls"' in log_in(user).get("/").content.decode()
        for user in (artist, staff, trusted, boss)
    }
    assert shown == {"artist": False, "staff": False, "trusted": True, "boss": True}


def test_a_device_that_is_not_there_is_not_found(log_in: LogIn, boss: User, device: Device) -> None:
    gone = reverse("device-pause", args=[device.pk + 1])

    assert log_in(boss).post(gone, {"pause": "after_job"}).status_code == 404
    assert log_in(boss).get(gone)["Location"] == "/"
