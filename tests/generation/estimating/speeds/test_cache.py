"""The cache of learned speeds in a process."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from generation.estimating.estimator import Estimator, shape_of
from generation.models import Device, LearnedSpeed, ModelCard
from generation.specs import RenderSpec
from tests.generation.conftest import Ran
from tests.generation.estimating.estimates import estimated, make_resident

pytestmark = pytest.mark.django_db


def test_the_drift_of_one_model_applies_to_another_on_the_device(
    ran: Ran, spec: RenderSpec, device: Device, toon: ModelCard, estimator: Estimator
) -> None:
    ModelCard.objects.create(slug="ink", family=toon.family, folder="ink", types=["image"])
    other = replace(spec, model="ink")
    make_resident(device, "toon", "ink")
    for _ in range(4):
        ran(10.0)
        ran(10.0, model="ink")
    usual = estimated(other, by=estimator).seconds
    assert estimator.speeds.warm_seconds(device, shape_of(other)) == pytest.approx(usual)

    for _ in range(3):
        ran(15.0)

    later = estimated(other, by=estimator).seconds
    assert later > 1.1 * usual
    assert estimator.speeds.warm_seconds(device, shape_of(other)) == pytest.approx(later)


def test_other_processes_read_a_learned_attempt_immediately(
    ran: Ran, spec: RenderSpec, device: Device, estimator: Estimator
) -> None:
    """A process reads a row again if its version has changed."""
    make_resident(device, "toon")
    ran(10.0)
    estimated(spec, by=estimator)
    here = dict(estimator.speeds._speeds)

    ran(30.0)
    assert LearnedSpeed.objects.get().version == 2
    assert estimator.speeds._speeds == here, "a process does not read what it learned itself"

    assert 14.0 < estimated(spec, by=estimator).seconds < 20.0


def test_unchanged_speeds_are_not_read_again(
    ran: Ran, spec: RenderSpec, device: Device, estimator: Estimator
) -> None:
    ran(10.0)
    estimated(spec, device, by=estimator)

    with CaptureQueriesContext(connection) as asked:
        for _ in range(5):
            estimated(spec, device, by=estimator)

    assert len(asked) == 5
    assert all("version" in query["sql"] and "state" not in query["sql"] for query in asked)


def test_deleted_speeds_are_removed(
    ran: Ran, spec: RenderSpec, device: Device, estimator: Estimator
) -> None:
    ran(10.0)
    estimated(spec, by=estimator)

    LearnedSpeed.objects.all().delete()

    assert estimator.estimate(spec) is None
