"""A claim reads little of a long queue, but chooses as if it had read all of it."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from generation.bench import _queue
from generation.estimating.estimator import Estimator
from generation.models import Device, DeviceTime, Job, ModelCard
from generation.scheduling import candidates, claim, placement
from generation.scheduling.policy import Level, WaitingJob
from generation.scheduling.queue_state import ageing_seconds
from generation.scheduling.waiting_jobs import WaitingJobs
from generation.states import Priority

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[User]:
    """Five users, some with recent device time."""
    found = [User.objects.create_user(f"person-{number}") for number in range(5)]
    DeviceTime.objects.bulk_create(
        DeviceTime(owner=person, seconds=100.0 * number) for number, person in enumerate(found)
    )
    return found


@pytest.fixture
def cards() -> dict[str, ModelCard]:
    """Cards of models that are never loaded."""
    return {
        slug: ModelCard.objects.create(slug=slug, name=slug, family=family, folder=f"models/{slug}")
        for slug, family in _queue.FAMILIES.items()
    }


@pytest.fixture
def devices(people: list[User], cards: dict[str, ModelCard]) -> list[Device]:
    """Eight devices of three kinds, with estimates."""
    made = _queue.park()
    _queue.add_history(people, cards, made)
    return made


def by_everything(device: Device, estimator: Estimator) -> tuple[int, WaitingJob | None]:
    """The job for the device from the whole queue, and the number assigned before it."""
    taken = [job for job in WaitingJobs().read() if placement.takes(device, job)]
    works = {job.work for job in taken}
    situation = claim.Situation(device, works, timezone.now(), estimator)
    before, chosen = situation.given(taken)
    return len(before), chosen.job if chosen else None


def same(device: Device, estimator: Estimator) -> int:
    """Check that the claim makes the same choice; return the number of jobs assigned before."""
    chosen = claim.next_job(device, timezone.now(), estimator)
    before, expected = by_everything(device, estimator)
    assert (chosen and UUID(str(chosen.key))) == (expected and expected.key)
    return before


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("count", [12, 40, 400])
def test_the_choice_is_the_same_as_from_the_whole_queue(
    seed: int,
    count: int,
    people: list[User],
    cards: dict[str, ModelCard],
    devices: list[Device],
    monkeypatch: pytest.MonkeyPatch,
    estimator: Estimator,
) -> None:
    monkeypatch.setattr(claim, "SEEN", (8, 32, 128, 1024))
    _queue.fill(people, cards, count, seed)
    source = Random(seed)
    for job in source.sample(list(Job.objects.waiting()), count // 4):
        # Some jobs have waited so long that they have risen.
        since = job.queued_at - timedelta(seconds=source.uniform(0.0, 4.0) * ageing_seconds())
        Job.objects.filter(pk=job.pk).update(queued_at=since, rank=since.timestamp())

    for device in (devices[0], devices[3], devices[6]):
        same(device, estimator)
    assert claim.next_job(devices[0], timezone.now(), estimator) is not None


def test_a_slow_device_among_fast_ones_finds_its_job_far_behind(
    people: list[User],
    cards: dict[str, ModelCard],
    devices: list[Device],
    estimator: Estimator,
) -> None:
    """The fast devices finish the first hundred drafts sooner."""
    slow = Device.objects.create(
        name="slow",
        kind="cuda",
        label="GTX 960",
        works=_queue.EVERY_WORK,
        heartbeat_at=timezone.now(),
    )
    draft = _queue.KINDS[0]
    for number in range(_queue.HISTORY):
        _queue.add_attempt(
            estimator,
            people[0],
            cards[draft.spec.model],
            draft,
            slow,
            number,
            60.0,
            timezone.now(),
        )
    _queue.fill(people[:1], cards, 600)
    Job.objects.waiting().exclude(work=draft.spec.work).delete()
    # An urgent job would go to the slow device too, where it starts at once.
    Job.objects.update(priority=Priority.NORMAL)

    assert same(slow, estimator) > claim.SEEN[0]


def test_a_single_device_takes_the_first_job(
    people: list[User],
    cards: dict[str, ModelCard],
    devices: list[Device],
    estimator: Estimator,
) -> None:
    Device.objects.exclude(pk=devices[0].pk).delete()
    _queue.fill(people, cards, 100)

    assert same(devices[0], estimator) == 0


def test_groups_are_ordered_by_level(people: list[User], cards: dict[str, ModelCard]) -> None:
    _queue.fill(people, cards, 60)
    device = Device.objects.create(name="cpu:0", kind="cpu", works=_queue.EVERY_WORK)
    longer = timezone.now() - timedelta(seconds=10 * ageing_seconds())
    Job.objects.filter(owner=people[0], priority=3).update(queued_at=longer)

    found = candidates.waiting(device, timezone.now().timestamp(), ageing_seconds())

    levels = [head.level for head in found]
    assert levels == sorted(levels)
    assert {head.key[0] for head in found if head.level == Level.OVERDUE} == {people[0].pk}
    works = {(job.owner_id, job.priority, job.work) for job in Job.objects.waiting()}
    assert {head.key for head in found} == works
