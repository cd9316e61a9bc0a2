"""The thread of a web process that looks after devices and leases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from generation.live import events
from generation.models import Attempt, Device, Job
from generation.queue import leases, pace
from generation.queue.watchdog import Watchdog
from generation.states import Status
from tests.generation.conftest import Claim
from tests.generation.processes import wait_until

Told = list[tuple[str, str]]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """(kind, group) of everything that is told about devices."""
    found: Told = []

    def note(kind: str, groups: list[str], **_: Any) -> None:
        found.extend((kind, group) for group in groups)

    monkeypatch.setattr(events, "publish", note)
    return found


def heard(device: Device, seconds_ago: float) -> None:
    Device.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=seconds_ago))


@pytest.mark.django_db
def test_that_a_device_went_away_and_came_back_is_told_once_each(
    device: Device, told: Told
) -> None:
    watchdog = Watchdog()
    watchdog.look()
    assert told == [], "nothing is known to have changed"

    heard(device, 60)
    watchdog.look()
    watchdog.look()
    heard(device, 0)
    watchdog.look()
    watchdog.look()

    assert told == [("device.away", "queue"), ("device.online", "queue")]


@pytest.mark.django_db
def test_the_pages_of_its_job_are_told_too(
    device: Device, submit: Any, claimed: Claim, told: Told
) -> None:
    attempt: Attempt = claimed(submit())
    Job.objects.update(scope="project.1")
    watchdog = Watchdog()
    watchdog.look()

    heard(device, 60)
    watchdog.look()

    groups = {group for kind, group in told if kind == "device.away"}
    assert groups == {"queue", "project.1", f"job.{attempt.job_id}"}


@pytest.fixture
def watchdog(settings: Any) -> Iterator[Watchdog]:
    settings.GENGA_HEARTBEAT_SECONDS = 0.01
    thread = Watchdog()
    yield thread
    thread.stop()
    thread.join()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_logged_once_and_looked_at_again(
    watchdog: Watchdog, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    looks: list[int] = []

    def locked() -> None:
        looks.append(1)
        if len(looks) < 4:
            raise DatabaseError("database is locked")

    monkeypatch.setattr(watchdog, "look", locked)
    watchdog.start()
    wait_until(lambda: len(looks) > 6, "it looks again")

    assert caplog.text.count("devices and leases cannot be looked after") == 1


class Clocks:
    """The clocks of a machine that can be suspended, or set."""

    def __init__(self) -> None:
        self.steady, self.wall = 100.0, 1_000_000.0

    def go(self, seconds: float) -> None:
        self.steady += seconds
        self.wall += seconds


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    found = Clocks()
    monkeypatch.setattr(pace, "_clocks", lambda: (found.steady, found.wall))
    return found


def suspend(clocks: Clocks) -> None:
    clocks.wall += 3600


def lock_the_database(clocks: Clocks) -> None:
    clocks.go(60)


@pytest.mark.django_db
@pytest.mark.parametrize("gap", [suspend, lock_the_database])
def test_after_a_gap_living_workers_have_time_to_renew_their_leases(
    gap: Callable[[Clocks], None], clocks: Clocks, submit: Any, claimed: Claim, told: Told
) -> None:
    attempt: Attempt = claimed(submit())
    watchdog = Watchdog()
    for _ in range(pace.SETTLE_BEATS):
        clocks.go(settings.GENGA_HEARTBEAT_SECONDS)
        watchdog.look()

    gap(clocks)
    Job.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    watchdog.look()
    assert Job.objects.get().status == Status.PROCESSING

    leases.renew(attempt)
    for _ in range(pace.SETTLE_BEATS):
        clocks.go(settings.GENGA_HEARTBEAT_SECONDS)
        watchdog.look()
    assert Job.objects.get().status == Status.PROCESSING

    Job.objects.update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    watchdog.look()
    assert Job.objects.get().status == Status.QUEUED, "later, who is silent has vanished"
