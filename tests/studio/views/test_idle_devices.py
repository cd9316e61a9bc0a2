"""The dashboard says of each device that does nothing why that is so."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from generation.models import Device, absences
from studio.models import Project
from tests.studio.conftest import LogIn

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
