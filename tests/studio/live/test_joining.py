"""What a page gets when it connects: whether it missed a change, and the progress of running jobs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.utils import timezone

from generation.live.events import QUEUE_GROUP, job_group
from generation.queue import requests
from generation.scheduling.forecast import Forecaster
from studio.live import consumers
from studio.live.fragments import Parts, Topic, render_running
from studio.models import Project
from studio.production import reviewing
from tests.studio.conftest import MakeTake

pytestmark = pytest.mark.django_db

# The synchronous functions: testing their queries needs no socket.
page_groups = consumers._page_groups.func
has_moved = consumers._has_changed.func


def running_parts(groups: list[str]) -> Parts:
    return render_running(Forecaster(), [Topic(group) for group in groups])


@pytest.mark.parametrize(
    ("query", "painted"),
    [
        (
            b"since=2026-05-01T10%3A00%3A00.5%2B00%3A00",
            datetime(2026, 5, 1, 10, 0, 0, 500_000, UTC),
        ),
        (b"since=2026-05-01T10:00:00Z", datetime(2026, 5, 1, 10, tzinfo=UTC)),
        (b"since=yesterday", None),
        (b"since=2026-99-01T10:00:00Z", None),
        (b"since=", None),
        (b"", None),
    ],
)
def test_the_time_of_the_paint_is_read_from_the_query(
    query: bytes, painted: datetime | None
) -> None:
    assert consumers._painted(query) == painted


def test_the_dashboard_follows_the_queue_and_the_users_projects(
    project: Project, artist: User, stranger: User, boss: User
) -> None:
    Project.objects.create(slug="other", name="Other")

    assert page_groups(lambda: artist, "queue", "") == {"queue", project.group}
    assert page_groups(lambda: stranger, "queue", "") == {"queue"}
    assert len(page_groups(lambda: boss, "queue", "")) == 3
    assert page_groups(lambda: AnonymousUser(), "queue", "") == set()


def test_other_pages_follow_their_own_group(
    project: Project, queued: MakeTake, artist: User, stranger: User
) -> None:
    job = queued().job

    assert page_groups(lambda: artist, "project", project.slug) == {project.group}
    assert page_groups(lambda: artist, "job", str(job.pk)) == {job_group(job.pk)}
    assert page_groups(lambda: stranger, "project", project.slug) == set()
    assert page_groups(lambda: stranger, "job", str(job.pk)) == set()


def test_a_page_missed_a_job_event_after_its_paint(queued: MakeTake, project: Project) -> None:
    mine, other = queued().job, queued().job
    painted = timezone.now()
    requests.cancel(mine)

    assert has_moved([job_group(mine.pk)], painted)
    assert has_moved([project.group], painted)
    assert has_moved([QUEUE_GROUP], painted)
    assert not has_moved([job_group(other.pk)], painted)
    assert not has_moved([job_group(mine.pk)], painted + timedelta(minutes=1))


def test_a_page_missed_a_verdict_after_its_paint(
    sent: MakeTake, project: Project, reviewer: User
) -> None:
    take = sent()
    painted = timezone.now()
    assert not has_moved([project.group], painted)

    reviewing.request_changes(take.reviews.get(), reviewer, "Less smile.")

    assert has_moved([project.group], painted)


def test_a_page_that_joins_gets_the_progress_of_running_jobs(
    running: MakeTake, queued: MakeTake, project: Project
) -> None:
    job = running().job
    queued()
    bar, picture = f"{job.pk}:progress", f"{job.pk}:picture"

    assert set(running_parts([QUEUE_GROUP])) == {bar}, "everybody sees the queue, nobody pictures"
    assert set(running_parts([QUEUE_GROUP, project.group])) == {bar, picture}
    assert set(running_parts([job_group(job.pk)])) == {bar, picture}


def test_a_page_of_another_project_gets_no_progress_of_it(running: MakeTake) -> None:
    running()
    other = Project.objects.create(slug="other", name="Other")

    assert running_parts([other.group]) == {}
