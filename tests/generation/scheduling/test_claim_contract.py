"""A simulated claim and a real one choose the same job from the same queue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from generation.bench import _queue
from generation.bench.simulation.replay import Site
from generation.bench.simulation.rules import Policy
from generation.estimating.estimator import Estimator
from generation.models import Device, DeviceTime, Job, ModelCard, Progress
from generation.scheduling import queue_state
from generation.scheduling.claim import next_job
from generation.scheduling.waiting_jobs import WaitingJobs
from generation.states import Pause, Priority, Status

pytestmark = pytest.mark.django_db

QUEUES = 240
MOST_JOBS = (4, 24, 80)
"""Short queues, queues that a claim reads at once, and longer ones."""
SPECS = [kind.spec for kind in _queue.KINDS]
SIZES = (None, None, 512, 768)


@dataclass(frozen=True, slots=True)
class House:
    """Users, models, devices with learned speeds, and the estimator."""

    people: list[User]
    cards: dict[str, ModelCard]
    devices: list[Device]
    estimator: Estimator


@pytest.fixture
def house(estimator: Estimator) -> House:
    """Four users, four devices of three kinds, and one device without history."""
    people = [User.objects.create_user(f"person-{number}") for number in range(4)]
    DeviceTime.objects.bulk_create(DeviceTime(owner=person) for person in people)
    cards = {
        slug: ModelCard.objects.create(slug=slug, name=slug, family=family, folder=f"models/{slug}")
        for slug, family in _queue.FAMILIES.items()
    }
    park = _queue.park()
    devices = [park[number] for number in (0, 1, 3, 6)]
    Device.objects.exclude(pk__in=[device.pk for device in devices]).delete()
    _queue.add_history(people, cards, devices)
    new = Device.objects.create(name="cpu:0", kind="cpu", label="CPU", works=_queue.EVERY_WORK)
    return House(people, cards, [*devices, new], estimator)


def fill(house: House, source: Random) -> None:
    """Make another random state: device times, devices, running jobs and waiting jobs."""
    now = timezone.now()
    Job.objects.all().delete()
    for person in house.people:
        DeviceTime.objects.filter(owner=person).update(
            seconds=source.choice([0.0, source.uniform(0.0, 2000.0)]),
            as_of=now - timedelta(minutes=source.uniform(0.0, 90.0)),
        )
    here = source.choice([0.0, 0.5, 0.8])
    for device in house.devices:
        Device.objects.filter(pk=device.pk).update(
            heartbeat_at=now + timedelta(days=1) if source.random() < here else None,
            pause=source.choice([Pause.NONE, Pause.NONE, Pause.NONE, Pause.AFTER_JOB]),
            families=source.choice([[], [], list(_queue.FAMILIES.values())[:2]]),
            largest_size=source.choice(SIZES),
            resident=source.sample(list(house.cards), source.randint(0, 2)),
            host_load=source.choice([0.0, source.uniform(0.0, 2.0)]),
        )
    busy = source.sample(house.devices, source.randint(0, 3))
    jobs = [running(house, source, device) for device in busy]
    jobs += [waiting(house, source) for _ in range(source.randint(1, source.choice(MOST_JOBS)))]
    Job.objects.bulk_create(jobs)
    Progress.objects.bulk_create(
        Progress(job=job, remaining_seconds=source.choice([None, source.uniform(0.0, 500.0)]))
        for job in jobs
    )


def waiting(house: House, source: Random, **fields: Any) -> Job:
    spec = source.choice(SPECS)
    minutes = source.choice([source.uniform(0.0, 5.0), source.uniform(0.0, 300.0)])
    return _queue.make_job(
        spec,
        house.cards[spec.model],
        source.choice(house.people),
        timezone.now() - timedelta(minutes=minutes),
        **{
            "spec_data": spec.as_json(),
            "priority": source.choice(list(Priority)),
            "saved_steps": source.choice([0, 0, 0, spec.denoising_steps // 2]),
            "pinned_to": source.choice([None] * 9 + house.devices[:1]),
            **fields,
        },
    )


def running(house: House, source: Random, device: Device) -> Job:
    return waiting(
        house,
        source,
        status=Status.PROCESSING,
        device=device,
        pinned_to=None,
        started_at=timezone.now() - timedelta(seconds=source.uniform(0.0, 200.0)),
        estimated_seconds=source.choice([None, source.uniform(1.0, 400.0)]),
    )


def simulated(house: House, device: Device, now: datetime) -> Any:
    """The key of the job that the device claims in a simulation of the same state."""
    online = [one for one in queue_state.online(now) if one.pk != device.pk]
    devices, runs = [device, *online], queue_state.runs()
    times = queue_state.RunTimes(devices, house.estimator)
    lanes = queue_state.lanes(devices, times, now, runs)
    moment = now.timestamp()
    had = queue_state.device_time(moment, runs)
    site = Site(lanes, moment, had={owner: (seconds, moment) for owner, seconds in had.items()})
    for job in WaitingJobs().read():
        site.enter(job)
    chosen = Policy(queue_state.ageing_seconds(), times.typical).next(lanes[0], site)
    return chosen and chosen.key


def test_a_simulated_and_a_real_claim_choose_the_same_job(house: House) -> None:
    found = 0
    for seed in range(QUEUES):
        source = Random(seed)
        fill(house, source)
        device = Device.objects.get(pk=source.choice([*house.devices, house.devices[-1]]).pk)
        now = timezone.now()

        real = next_job(device, now, house.estimator)

        assert (real and UUID(str(real.key))) == simulated(house, device, now), f"queue {seed}"
        found += real is not None
    assert found > QUEUES / 2
