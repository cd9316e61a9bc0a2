"""Take numbers: 1, 2, 3 in each shot, also with concurrent submits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.db import connection

from generation.models import Job, ModelCard
from generation.scheduling.forecast import Forecaster
from studio.models import Shot, Take
from studio.ordering import submission
from studio.ordering.request import RenderRequest
from tests.studio.conftest import MakeTake

TOGETHER = 2
EACH = 5


@pytest.mark.django_db
def test_each_shot_counts_its_own_takes(queued: MakeTake, shot: Shot) -> None:
    other = Shot.objects.create(project=shot.project, slug="sh020", name="Gulls")

    assert [queued().number, queued().number, queued(shot=other).number] == [1, 2, 1]


@pytest.mark.django_db
def test_the_number_after_a_gap_is_new(queued: MakeTake) -> None:
    queued()
    second = queued()
    Take.objects.get(number=1).delete()

    assert second.number == 2
    assert queued().number == 3


@pytest.mark.django_db(transaction=True)
def test_concurrent_submits_get_different_numbers(
    shot: Shot, artist: User, toon: ModelCard, forecaster: Forecaster
) -> None:
    start = Barrier(TOGETHER)

    def submit() -> None:
        try:
            start.wait()
            for _ in range(EACH):
                submission.submit(forecaster, RenderRequest(prompt="smiling", shot=shot), artist)
        finally:
            connection.close()

    with ThreadPoolExecutor(TOGETHER) as people:
        for person in [people.submit(submit) for _ in range(TOGETHER)]:
            person.result()

    numbers = sorted(Take.objects.values_list("number", flat=True))
    assert numbers == list(range(1, TOGETHER * EACH + 1))
    assert Job.objects.count() == TOGETHER * EACH
