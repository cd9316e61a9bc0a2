"""A calibration that an idle device gave itself comes after all other work and yields to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from generation.estimating.estimator import Estimator
from generation.models import Attempt, Device, Job, ModelCard, Progress
from generation.queue import lifecycle
from generation.scheduling.claim import SEEN, next_job
from generation.scheduling.forecast import Forecaster
from generation.scheduling.preempted import is_preempted
from generation.scheduling.preemption import MAX_PREEMPTIONS
from generation.specs import RenderSpec
from generation.states import Priority
from tests.generation.conftest import Claim

pytestmark = pytest.mark.django_db

Submit = Callable[..., Job]

LEFT = 500.0
"""Seconds that the running calibration still takes."""


@pytest.fixture
def own(artist: User, toon: ModelCard, spec: RenderSpec, device: Device) -> Job:
    return lifecycle.submit(spec, owner=artist, model=toon, priority=Priority.LOW, pinned_to=device)


@pytest.fixture
def runs(own: Job, claimed: Claim) -> Attempt:
    """The calibration runs, with much of it left."""
    attempt = claimed(own)
    Progress.objects.filter(job=own).update(remaining_seconds=LEFT, updated_at=timezone.now())
    return attempt


def copies(job: Job, count: int) -> Iterator[Job]:
    for _ in range(count):
        job.pk = uuid4()
        yield copy(job)


def wait(forecaster: Forecaster, spec: RenderSpec, toon: ModelCard) -> float:
    """Seconds until a new job would start."""
    start = forecaster.forecast_request(spec, toon, Priority.LOW).start
    assert start is not None
    return (start - timezone.now()).total_seconds()


def test_any_other_job_is_claimed_first(
    own: Job, device: Device, submit: Submit, estimator: Estimator
) -> None:
    own.queued_at -= timedelta(days=1)
    # More than a claim reads of one group at first.
    Job.objects.bulk_create(copies(own, SEEN[0]))
    low = submit(priority=Priority.LOW)

    chosen = next_job(device, timezone.now(), estimator)

    assert chosen is not None
    assert UUID(str(chosen.key)) == low.pk


def test_it_yields_to_any_other_job(runs: Attempt, device: Device, submit: Submit) -> None:
    assert not is_preempted(runs, device)

    submit(priority=Priority.LOW)

    assert is_preempted(runs, device)


def test_a_calibration_that_a_person_started_does_not_yield(
    own: Job, runs: Attempt, device: Device, submit: Submit
) -> None:
    runs.job.priority = Priority.NORMAL
    submit(priority=Priority.HIGH)

    assert not is_preempted(runs, device)


def test_a_calibration_that_was_interrupted_often_enough_is_finished(
    runs: Attempt, device: Device, submit: Submit
) -> None:
    runs.job.preemptions = MAX_PREEMPTIONS
    submit(priority=Priority.LOW)

    assert not is_preempted(runs, device)


def test_a_new_job_would_start_at_once_while_a_calibration_runs(
    runs: Attempt, forecaster: Forecaster, spec: RenderSpec, toon: ModelCard
) -> None:
    assert wait(forecaster, spec, toon) == pytest.approx(0.0, abs=1.0)


def test_a_new_job_would_wait_for_a_calibration_that_does_not_yield_any_more(
    runs: Attempt, forecaster: Forecaster, spec: RenderSpec, toon: ModelCard
) -> None:
    Job.objects.filter(pk=runs.job_id).update(preemptions=MAX_PREEMPTIONS)

    assert wait(forecaster, spec, toon) == pytest.approx(LEFT, abs=2.0)


def test_the_next_calibration_would_wait_for_the_running_one(
    own: Job, runs: Attempt, forecaster: Forecaster, artist: User, spec: RenderSpec, toon: ModelCard
) -> None:
    following = lifecycle.submit(
        spec, owner=artist, model=toon, priority=Priority.LOW, pinned_to=runs.device
    )

    place = forecaster.forecast().place_of(following)

    assert place is not None
    assert place.start is not None
    assert (place.start - timezone.now()).total_seconds() == pytest.approx(LEFT, abs=2.0)
