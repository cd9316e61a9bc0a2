"""The dashboard says of each device that does nothing why that is so."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from generation.models import Device, absences
from generation.sentences import Sentence
from studio.live.sentences import STARTS_AT_ONCE, STARTS_WHEN_FREE, STARTS_WITH_A_DEVICE
from studio.models import Project
from tests.studio.conftest import LogIn, MakeTake

pytestmark = pytest.mark.django_db

KILLED = {"signal": "SIGKILL", "count": 5, "seconds": 80}
SET_ASIDE = {
    "set_aside_code": absences.ENDED_BY_KILL.code,
    "set_aside_values": KILLED,
    "set_aside_until": "2025-01-01T00:00:00Z",
}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"pause": "after_job"}, "Takes no new work until a lead resumes it."),
        ({"heartbeat_at": None}, "Its worker was stopped."),
        (
            {"heartbeat_at": "2025-01-01T00:00:00Z"},
            'title="1 Jan 2025, 00:00:00 UTC">1 Jan 2025, 00:00</time>',
        ),
        ({"heartbeat_at": None, **SET_ASIDE}, absences.ENDED_BY_KILL.say(**KILLED)),
        (
            {"heartbeat_at": None, **SET_ASIDE},
            'title="1 Jan 2025, 00:00:00 UTC">1 Jan 2025, 00:00</time>, then tried again.',
        ),
        ({"resident": ["toon"]}, "Ready, toon loaded."),
    ],
)
def test_a_device_that_does_nothing_says_why(
    fields: dict[str, object],
    said: str,
    log_in: LogIn,
    artist: User,
    project: Project,
    device: Device,
) -> None:
    Device.objects.update(**fields)

    assert said in log_in(artist).get("/").content.decode()


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, STARTS_AT_ONCE),
        ({"pause": "after_job"}, STARTS_WITH_A_DEVICE),
        ({"heartbeat_at": None}, STARTS_WITH_A_DEVICE),
    ],
)
def test_an_empty_queue_says_when_a_new_render_would_start(
    fields: dict[str, object],
    said: Sentence,
    log_in: LogIn,
    artist: User,
    project: Project,
    device: Device,
) -> None:
    Device.objects.update(**fields)

    assert said.say() in log_in(artist).get("/").content.decode()


def test_an_empty_queue_promises_nothing_while_all_devices_are_busy(
    log_in: LogIn, artist: User, running: MakeTake
) -> None:
    running()

    assert STARTS_WHEN_FREE.say() in log_in(artist).get("/").content.decode()
