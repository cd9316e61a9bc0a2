"""Pages ask the database a bounded number of times, however much they show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from generation.scheduling.forecast import Forecaster
from studio.live import fragments
from studio.models import Project, Sequence, Shot
from tests.studio.conftest import LogIn, MakeTake, member

pytestmark = pytest.mark.django_db

BOUND = 25

Fill = Callable[[int], None]


@pytest.fixture
def client(log_in: LogIn, artist: User) -> Client:
    return log_in(artist)


@pytest.fixture
def shots(project: Project) -> list[Shot]:
    """Twelve shots in two sequences."""
    sequences = [
        Sequence.objects.create(project=project, slug=f"s{order}", name=f"S{order}", order=order)
        for order in (1, 2)
    ]
    return [
        Shot.objects.create(
            project=project, sequence=sequences[number // 6], slug=f"sh{number}", name=f"{number}"
        )
        for number in range(12)
    ]


@pytest.fixture
def artists(project: Project) -> list[User]:
    """Different people, so that looking one up for each row would show."""
    return [member(project, f"artist{number}", "artist") for number in range(6)]


def queries_of(client: Client, address: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_the_board_of_twelve_shots_with_three_takes_each(
    client: Client, shots: list[Shot], artists: list[User], finished: MakeTake, queued: MakeTake
) -> None:
    address = reverse("project", args=["harbour"])
    for number, shot in enumerate(shots):
        for place in range(2):
            finished(shot=shot, user=artists[(number + place) % 6])
        queued(shot=shot, user=artists[number % 6])

    assert queries_of(client, address) <= BOUND


@pytest.mark.parametrize(
    ("page", "args"),
    [("gallery", []), ("reviews", []), ("shot", ["harbour", "sh010"]), ("dashboard", [])],
)
def test_a_page_asks_as_often_for_many_pictures_as_for_few(
    page: str,
    args: list[str],
    client: Client,
    artists: list[User],
    sent: MakeTake,
    finished: MakeTake,
) -> None:
    address = reverse(page, args=args)
    for artist in artists[:2]:
        finished(user=artist)
        sent(user=artist)
    few = queries_of(client, address)
    for artist in artists:
        finished(user=artist)
        sent(user=artist)

    assert queries_of(client, address) <= few <= BOUND


def test_the_dashboard_with_thirty_waiting_jobs(
    client: Client, artists: list[User], queued: MakeTake, running: MakeTake
) -> None:
    running()
    for number in range(30):
        queued(user=artists[number % 6])

    assert queries_of(client, reverse("dashboard")) <= BOUND


def test_the_pushed_queue_with_thirty_waiting_jobs(
    artists: list[User],
    queued: MakeTake,
    running: MakeTake,
    django_assert_max_num_queries: Any,
    forecaster: Forecaster,
) -> None:
    running()
    for number in range(30):
        queued(user=artists[number % 6])

    with django_assert_max_num_queries(BOUND):
        fragments.render_queue(forecaster)


@pytest.mark.parametrize("page", ["job", "take"])
def test_a_page_of_one_render(page: str, client: Client, sent: MakeTake) -> None:
    take = sent()
    key = take.job_id if page == "job" else take.pk

    assert queries_of(client, reverse(page, args=[key])) <= BOUND


@pytest.mark.parametrize("page", ["projects", "render", "tokens"])
def test_other_pages(page: str, client: Client, shots: list[Shot]) -> None:
    assert queries_of(client, reverse(page)) <= BOUND
