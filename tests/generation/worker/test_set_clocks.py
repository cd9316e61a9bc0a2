"""Clocks that somebody sets during a render: nothing is lost, booked or learned by it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db.models.functions import Now
from django.utils import timezone

from generation.estimating.estimator import Estimator
from generation.models import Device, DeviceTime, Job, LearnedSpeed
from generation.pipelines.resident import ResidentModels
from generation.queue import lifecycle, recovery
from generation.queue.timings import Timing
from generation.scheduling import queue_state
from generation.states import Outcome, Stage, Status
from generation.worker import process
from generation.worker.runner import Worker
from tests.generation.conftest import Claim
from tests.generation.watched import WatchedModel

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]

Submit = Callable[..., Job]
HOUR = timedelta(hours=1)
SOON = 300.0
"""Seconds that nothing in these tests takes, on a busy machine either."""


class Clock:
    """The clock of this process; the database's and the monotonic one go on as they are."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)
        self._now = timezone.now

    def now(self) -> datetime:
        return self._now() + self.ahead


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timezone, "now", clock.now)
    return clock


@pytest.mark.parametrize("step", [-HOUR, HOUR], ids=["back", "forward"])
def test_a_render_completes_while_the_clock_is_set_by_an_hour(
    step: timedelta,
    clock: Clock,
    submit: Submit,
    device: Device,
    models: ResidentModels,
    watched: WatchedModel,
    estimator: Estimator,
) -> None:
    # The first one is estimated by nothing, the second by the first.
    submit()
    assert Worker(device, models).drain() == 1
    job = submit()
    assert job.estimated_seconds
    watched.between = lambda _: setattr(clock, "ahead", step)

    assert Worker(device, models).drain() == 1

    job.refresh_from_db()
    attempt = job.attempts.get()
    assert (job.status, attempt.outcome) == (Status.COMPLETED, Outcome.COMPLETED)
    assert 0 < attempt.run_seconds < SOON
    assert 0 <= DeviceTime.objects.get(owner=job.owner).seconds < SOON
    learned = estimator.estimate(job.spec, device)
    assert learned is not None
    assert learned.seconds < SOON


def test_a_person_whose_render_runs_does_not_queue_behind_everybody_after_a_step_forward(
    clock: Clock, submit: Submit, claimed: Claim, device: Device, models: ResidentModels
) -> None:
    attempt, worker = claimed(submit()), Worker(device, models)
    worker.running = [attempt]
    process.beat(device, worker)
    clock.ahead = HOUR

    had = queue_state.device_time(timezone.now().timestamp(), queue_state.runs())

    assert had[attempt.job.owner_id] < SOON


def test_the_time_of_a_lost_attempt_is_that_of_its_heartbeats(
    clock: Clock, submit: Submit, claimed: Claim, device: Device, models: ResidentModels
) -> None:
    job = submit()
    attempt, worker = claimed(job), Worker(device, models)
    worker.running = [attempt]
    process.beat(device, worker)
    clock.ahead = HOUR

    assert recovery.take_back(device) == 1

    assert 0 < job.attempts.get().run_seconds < SOON
    assert DeviceTime.objects.get(owner=job.owner).seconds < SOON


@pytest.mark.parametrize("step", [-HOUR, HOUR], ids=["back", "forward"])
def test_a_process_with_a_wrong_clock_takes_no_job_from_a_living_worker(
    step: timedelta, clock: Clock, submit: Submit, claimed: Claim
) -> None:
    job = submit()
    claimed(job)
    clock.ahead = step

    assert recovery.sweep_leases() == 0

    job.refresh_from_db()
    assert job.status == Status.PROCESSING


def test_a_worker_with_a_wrong_clock_keeps_its_job_no_longer_than_others(
    clock: Clock, submit: Submit, claimed: Claim, device: Device, models: ResidentModels
) -> None:
    clock.ahead = HOUR
    job = submit()
    worker = Worker(device, models)
    worker.running = [claimed(job)]
    process.beat(device, worker)
    clock.ahead = timedelta(0)

    job.refresh_from_db()

    assert job.lease_expires_at < timezone.now() + timedelta(minutes=2)


def test_the_lease_of_a_vanished_worker_runs_out_after_the_clock_of_the_house_was_set_back(
    submit: Submit, claimed: Claim, settings: Any
) -> None:
    """The database took the time from the same clock: the lease lies an hour ahead of it."""
    settings.GENGA_LEASE_SECONDS = 0
    job = submit()
    claimed(job)
    Job.objects.filter(pk=job.pk).update(lease_expires_at=Now() + HOUR)

    # The first sweep gives a worker that lives the time of a lease to renew it.
    assert [recovery.sweep_leases() + recovery.sweep_leases()] == [1]

    job.refresh_from_db()
    assert job.status == Status.QUEUED


def test_a_device_whose_heartbeat_lies_in_the_future_is_not_online_for_ever(
    device: Device,
) -> None:
    Device.objects.update(heartbeat_at=timezone.now() + HOUR)

    recovery.sweep_leases()

    device.refresh_from_db()
    assert device.heartbeat_at <= timezone.now()


@pytest.mark.parametrize("seconds", [-3590.0, 0.0, float("inf"), float("nan")])
def test_nothing_is_learned_from_a_time_that_cannot_be(
    seconds: float, submit: Submit, claimed: Claim, estimator: Estimator
) -> None:
    attempt = claimed(submit())
    attempt.run_seconds = seconds

    estimator.learn(attempt, [(Stage.DENOISE, 1.0)])

    assert not LearnedSpeed.objects.exists()


def test_a_finished_render_is_not_failed_by_what_is_learned_from_it(
    submit: Submit, claimed: Claim
) -> None:
    job = submit()

    def learn(*_: object) -> None:
        DeviceTime.objects.all().delete()
        raise ValueError("math domain error")

    assert lifecycle.complete(claimed(job), [], {Stage.DENOISE: Timing(1.0)}, learn)

    job.refresh_from_db()
    assert job.status == Status.COMPLETED
    assert DeviceTime.objects.exists(), "what failed was undone"
