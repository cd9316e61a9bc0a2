"""Times on pages: in the person's zone, with the date for anything that was not today."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from generation.models import Device, Job
from tests.studio.conftest import LogIn, MakeTake

pytestmark = pytest.mark.django_db

TOKYO = ZoneInfo("Asia/Tokyo")


def moments(html: str) -> list[str]:
    return re.findall(r"<time data-moment [^>]*>([^<]+)</time>", html)


def test_last_weeks_history_has_its_date(finished: MakeTake, log_in: LogIn, artist: User) -> None:
    take = finished()
    last_week = timezone.now() - timedelta(days=7)
    take.job.events.update(at=last_week)

    html = log_in(artist).get(f"/jobs/{take.job_id}/").content.decode()

    expected = f"{last_week.day} {last_week:%b}"
    assert {
        shown.rpartition(", ")[0].removesuffix(f" {last_week.year}") for shown in moments(html)
    } == {expected}


def test_a_page_is_painted_in_the_zone_that_the_browser_has_told(
    finished: MakeTake, log_in: LogIn, artist: User
) -> None:
    take = finished()
    at = timezone.now()
    take.job.events.update(at=at)
    client = log_in(artist)
    client.cookies["genga_zone"] = "Asia/Tokyo"

    html = client.get(f"/jobs/{take.job_id}/").content.decode()

    assert set(moments(html)) == {f"{at.astimezone(TOKYO):%H:%M:%S}"}
    assert timezone.get_current_timezone_name() == "UTC", "the next request has its own zone"


@pytest.mark.parametrize(
    "zone", ["", "Mars/Olympus", "../../etc/passwd", "x" * 4000, "Asia", "\x00"]
)
def test_a_zone_that_does_not_exist_is_that_of_the_house(
    zone: str, finished: MakeTake, log_in: LogIn, artist: User
) -> None:
    take = finished()
    take.job.events.update(at=timezone.now())
    client = log_in(artist)
    client.cookies["genga_zone"] = zone

    response = client.get(f"/jobs/{take.job_id}/")

    assert response.status_code == 200
    assert set(moments(response.content.decode())) == {f"{take.job.events.first().at:%H:%M:%S}"}


def test_the_zone_changes_no_answer_of_the_api(
    finished: MakeTake, log_in: LogIn, artist: User
) -> None:
    take, client = finished(), log_in(artist)
    client.cookies["genga_zone"] = "Asia/Tokyo"

    status = client.get(f"/api/anime/jobs/{take.job_id}").json()

    assert status["submitted_at"].endswith("Z")
    submitted = datetime.fromisoformat(status["submitted_at"])
    assert abs(submitted - Job.objects.get().submitted_at) < timedelta(milliseconds=1)


def test_a_page_carries_the_servers_time(log_in: LogIn, artist: User, device: Device) -> None:
    before = timezone.now()
    html = log_in(artist).get("/").content.decode()
    found = re.search(r'data-server-time="([^"]+)"', html)

    assert found is not None
    assert before <= datetime.fromisoformat(found[1]) <= timezone.now()


def test_every_time_on_a_page_goes_through_one_filter() -> None:
    """What formats a time by itself would forget the date or the zone."""
    pages = [*Path(settings.BASE_DIR, "templates").rglob("*.html")]
    formatted = re.compile(r"\|date:|\|time:|\|timesince|\|timeuntil|\|naturaltime|<time")

    assert [page.name for page in pages if formatted.search(page.read_text())] == []
