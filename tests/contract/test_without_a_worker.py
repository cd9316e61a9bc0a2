"""No worker is alive: the web process alone says so, takes jobs back and ends cancelled ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from generation.models import Attempt, Device, Job
from generation.queue import lifecycle, requests
from generation.states import Outcome, Status
from tests.contract.asking import STATUS, Caller
from tests.contract.real import follow
from tests.generation.processes import WebProcess, wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., Job]
HOUR = timedelta(hours=1)


@pytest.fixture
def site(settings: object) -> Iterator[WebProcess]:
    """A web process without any worker."""
    # An hour: what happens before has not happened because a lease ended.
    with WebProcess(GENGA_LEASE_SECONDS="3600") as web:
        web.until(web.answers, "it answers")
        yield web


def fall_silent(device: Device, seconds: float = 60.0) -> None:
    Device.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=seconds))
    device.refresh_from_db()


def keep(attempt: Attempt) -> None:
    Job.objects.filter(pk=attempt.job_id).update(lease_expires_at=timezone.now() + HOUR)


def expire(attempt: Attempt) -> None:
    Job.objects.filter(pk=attempt.job_id).update(lease_expires_at=timezone.now())


def test_the_page_of_a_running_job_is_told_that_its_device_is_gone_and_that_it_waits_again(
    site: WebProcess, running: Attempt, device: Device, browser: Client
) -> None:
    keep(running)
    address = f"ws://127.0.0.1:{site.port}/ws/live/job/{running.job_id}/"
    session = {"Cookie": f"genga_session={browser.cookies['genga_session'].value}"}
    away = Job.objects.filter(pk=running.job_id, status=Status.PROCESSING)

    with follow(address, origin=site.address, additional_headers=session) as line:
        # The web process hears of the device's heartbeat once more, then never again.
        Device.objects.update(heartbeat_at=timezone.now() + timedelta(seconds=1))
        pushed = ""
        while "Device away" not in pushed:
            pushed = str(line.recv(60))
            line.send("shown")
        assert away.exists(), "its lease has not ended yet"
        assert "has not been heard of since" in pushed
        expire(running)
        while "Waiting, number 1" not in pushed:
            pushed = str(line.recv(60))
            line.send("shown")

    assert not away.exists()


def test_a_job_waits_again_when_its_lease_ends_though_no_worker_looks(
    site: WebProcess, running: Attempt, device: Device
) -> None:
    fall_silent(device)
    expire(running)

    wait_until(Job.objects.filter(status=Status.QUEUED).exists, "the job waits again")

    running.refresh_from_db()
    assert running.outcome == Outcome.LOST
    answer = httpx.get(f"{site.address}/api/anime/jobs/{running.job_id}", timeout=30).json()
    assert (answer["status"], answer["gpu_queue_position"]) == ("queued", 1)


def test_a_script_is_told_that_the_device_is_away(
    api: Caller, running: Attempt, device: Device
) -> None:
    assert api.job(running.job_id)["device_away"] is None
    fall_silent(device)

    told = api.job(running.job_id)

    STATUS.check(told)
    away = told["device_away"]
    assert (away["code"], away["message"]) == ("away_since", told["stage"])
    assert f"{device.heartbeat_at:%Y-%m-%d %H:%M:%S} UTC" in away["message"]
    assert away["since"].startswith(f"{device.heartbeat_at:%Y-%m-%dT%H:%M:%S}")
    assert told["estimated_remaining_seconds"] is None, "nobody works on it"


def test_a_device_whose_worker_was_stopped_has_no_time_since_when(
    api: Caller, running: Attempt, device: Device
) -> None:
    Device.objects.update(heartbeat_at=None)

    away = api.job(running.job_id)["device_away"]

    assert (away["code"], away["since"]) == ("away", None)


def test_the_board_and_the_jobs_page_say_it_in_a_sentence(
    browser: Client, running: Attempt, device: Device, artist: User
) -> None:
    fall_silent(device)
    tokyo = device.heartbeat_at.astimezone(ZoneInfo("Asia/Tokyo"))
    sentence = "cpu:0 has not been heard of since <time data-moment "
    browser.cookies["genga_zone"] = "Asia/Tokyo"

    for address in ("/", f"/jobs/{running.job_id}/"):
        page = browser.get(address).content.decode()
        assert sentence in page, address
        assert f'{tokyo:%H:%M:%S} Asia/Tokyo"' in page, address
        assert "Rendering" not in page, address


def test_a_cancel_takes_effect_at_once_when_nobody_is_there_to_hear_of_it(
    api: Caller, running: Attempt, device: Device
) -> None:
    fall_silent(device)

    answer = api.post(f"/api/anime/jobs/{running.job_id}/cancel")

    assert answer.status_code == 200
    assert answer.json()["status"] == "cancelled"
    running.refresh_from_db()
    assert running.outcome == Outcome.LOST
    assert not lifecycle.end_cancelled(running, {}), "a worker that comes back changes nothing"


def test_a_job_that_was_being_cancelled_when_its_worker_died_does_not_wait_for_its_lease(
    site: WebProcess, running: Attempt, device: Device
) -> None:
    job = running.job
    assert requests.cancel(job)
    job.refresh_from_db()
    assert job.is_cancelling
    keep(running)

    fall_silent(device)

    wait_until(Job.objects.filter(status=Status.CANCELLED).exists, "it is cancelled")
