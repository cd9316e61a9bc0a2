"""The rules of which jobs a device takes agree in Python, in the ORM and in SQL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from generation.models import Device, Job
from generation.scheduling import placement
from generation.scheduling.placement import JobNeeds
from generation.states import Work

pytestmark = pytest.mark.django_db

FAMILIES = ("stable-diffusion", "sdxl", "animatediff")
SIDES = (0, 128, 512, 513, 1024)
OTHER = "cuda:1"

rules = some.fixed_dictionaries(
    {
        "works": some.lists(some.sampled_from([work.value for work in Work]), unique=True),
        "families": some.lists(some.sampled_from(FAMILIES), unique=True),
        "largest_size": some.none() | some.sampled_from(SIDES),
    }
)
needs = some.fixed_dictionaries(
    {
        "work": some.sampled_from([work.value for work in Work]),
        "family": some.sampled_from(["", *FAMILIES]),
        "longest_side": some.sampled_from(SIDES),
    }
)
pins = some.sampled_from([None, "cuda:0", OTHER])


def by_sql(device: Device) -> set[UUID]:
    condition, values = placement.taken_sql(device)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM generation_job AS job WHERE {condition}", values)
        return {UUID(str(key)) for (key,) in cursor.fetchall()}


@given(rules, some.lists(some.tuples(needs, pins), min_size=6, max_size=6))
@settings(
    max_examples=150,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_the_three_forms_agree(
    submit: Callable[..., Job], rules: dict[str, Any], jobs: list[tuple[dict[str, Any], Any]]
) -> None:
    device, _ = Device.objects.update_or_create(name="cuda:0", defaults=rules)
    devices = {None: None, "cuda:0": device, OTHER: Device.objects.get_or_create(name=OTHER)[0]}
    rows = list(Job.objects.all())
    rows += [submit() for _ in range(len(jobs) - len(rows))]
    for row, (fields, pin) in zip(rows, jobs, strict=True):
        Job.objects.filter(pk=row.pk).update(**fields, pinned_to=devices[pin])

    asked = {row.pk: JobNeeds.of_row(row) for row in Job.objects.all()}
    taken = {key for key, job in asked.items() if placement.takes(device, job)}

    assert {key for key, job in asked.items() if placement.refusal(device, job) is None} == taken
    assert set(placement.claimable(device).values_list("pk", flat=True)) == taken
    assert by_sql(device) == taken
