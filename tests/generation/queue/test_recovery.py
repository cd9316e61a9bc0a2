"""Jobs are taken back from workers that are gone, also when nobody else is there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from generation.estimating.estimator import Estimator
from generation.models import Device, Job
from generation.queue import lifecycle, recovery
from generation.states import Outcome, Status
from tests.generation.conftest import Claim

pytestmark = pytest.mark.django_db

Submit = Callable[..., Job]


def let_lease_expire(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def test_a_job_with_an_expired_lease_waits_again(submit: Submit, claimed: Claim) -> None:
    silent, alive = submit(), submit()
    attempt = claimed(silent)
    claimed(alive)
    let_lease_expire(silent)

    assert recovery.sweep_leases() == 1

    silent.refresh_from_db()
    alive.refresh_from_db()
    attempt.refresh_from_db()
    assert (silent.status, attempt.outcome) == (Status.QUEUED, Outcome.LOST)
    assert alive.status == Status.PROCESSING
    assert recovery.sweep_leases() == 0


def test_a_worker_that_finishes_after_the_sweep_changes_nothing(
    submit: Submit, claimed: Claim, estimator: Estimator
) -> None:
    job = submit()
    late = claimed(job)
    let_lease_expire(job)
    recovery.sweep_leases()

    assert not lifecycle.complete(late, [], {}, estimator.learn)


def test_only_one_of_two_sweeps_takes_the_job_back(
    submit: Submit, claimed: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit()
    claimed(job)
    let_lease_expire(job)
    give_up = lifecycle.give_up_lost
    monkeypatch.setattr(
        lifecycle, "give_up_lost", lambda attempt: give_up(attempt) and give_up(attempt)
    )

    assert recovery.sweep_leases() == 0
    assert job.events.filter(kind="job.lost").count() == 1


def test_a_new_worker_takes_back_the_jobs_of_its_predecessor(
    submit: Submit, claimed: Claim, device: Device
) -> None:
    mine, others = submit(), submit()
    claimed(mine)
    claimed(others, Device.objects.create(name="cpu:1", works=["preview", "image"]))

    assert recovery.take_back(device) == 1

    mine.refresh_from_db()
    others.refresh_from_db()
    assert (mine.status, others.status) == (Status.QUEUED, Status.PROCESSING)
