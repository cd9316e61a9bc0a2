"""Which waiting job a device takes next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from generation.estimating.estimator import Estimator
from generation.models import Device, DeviceTime, Job, ModelCard
from generation.queue import lifecycle, requests
from generation.scheduling import queue_state
from generation.scheduling.claim import claim
from generation.scheduling.placement import claimable
from generation.states import Priority, Status
from tests.generation.conftest import Claim, Ran

pytestmark = pytest.mark.django_db

Submit = Callable[..., Job]


def claim_all(device: Device) -> list[Job]:
    """The jobs in the order in which one device claims them."""
    order = []
    while (attempt := claim(device, Estimator())) is not None:
        order.append(attempt.job)
    return order


def another(name: str = "cpu:1", **fields: Any) -> Device:
    """A second device, of the same hardware."""
    return Device.objects.create(
        **{
            "name": name,
            "kind": "cpu",
            "works": ["preview", "image"],
            "heartbeat_at": timezone.now(),
            **fields,
        }
    )


def wait_since(job: Job, minutes: float) -> None:
    """Change the time at which a job was submitted to this many minutes ago."""
    moment = timezone.now() - timedelta(minutes=minutes)
    Job.objects.filter(pk=job.pk).update(queued_at=moment, rank=moment.timestamp())


def test_without_waiting_jobs_nothing_is_claimed(device: Device, estimator: Estimator) -> None:
    assert claim(device, estimator) is None
    another()
    assert claim(device, estimator) is None


def test_urgent_jobs_go_first_and_equal_jobs_in_order_of_submission(
    submit: Submit, device: Device
) -> None:
    low = submit(Priority.LOW)
    first, second = submit(Priority.NORMAL), submit(Priority.NORMAL)
    high = submit(Priority.HIGH)
    urgent = submit(Priority.URGENT)

    assert claim_all(device) == [urgent, high, first, second, low]


def test_the_order_is_the_same_with_another_busy_device(submit: Submit, device: Device) -> None:
    """The other device is busy for an unknown time."""
    low = submit(Priority.LOW)
    first, second = submit(Priority.NORMAL), submit(Priority.NORMAL)
    high = submit(Priority.HIGH)
    other = another()
    assert lifecycle.start(submit(steps=17), other)

    assert claim_all(device) == [high, first, second, low]


def test_a_job_that_waited_long_overtakes_newer_jobs_of_a_higher_priority(
    submit: Submit, device: Device, settings: Any
) -> None:
    settings.GENGA_AGEING_MINUTES = 10
    high = submit(Priority.HIGH)
    wait_since(low := submit(Priority.LOW), minutes=30)
    wait_since(lately := submit(Priority.LOW), minutes=19)

    assert claim_all(device) == [low, high, lately]


def test_owners_take_turns(
    submit: Submit, device: Device, artist: User, stranger: User, estimator: Estimator
) -> None:
    mine = [submit() for _ in range(3)]
    his = [submit(owner=stranger) for _ in range(3)]
    order = []
    now = timezone.now()
    while (attempt := claim(device, estimator)) is not None:
        order.append(attempt.job)
        assert lifecycle.complete(attempt, [], {}, estimator.learn)
        # Not exactly equal, because the two runs that ended above count as well.
        DeviceTime.add(attempt.job.owner_id, 10.0 if attempt.job.owner == artist else 11.0, now)

    assert order == [mine[0], his[0], mine[1], his[1], mine[2], his[2]]


def test_jobs_that_run_on_other_devices_count_as_device_time(
    submit: Submit, claimed: Claim, device: Device, stranger: User
) -> None:
    running = submit()
    claimed(running, another())
    Job.objects.filter(pk=running.pk).update(started_at=timezone.now() - timedelta(minutes=1))
    mine, his = submit(), submit(owner=stranger)

    assert claim_all(device) == [his, mine]


def test_device_time_is_counted_when_an_attempt_ends(
    submit: Submit, claimed: Claim, artist: User, estimator: Estimator
) -> None:
    ends: list[Callable[[Any], bool]] = [
        lambda attempt: lifecycle.complete(attempt, [], {}, estimator.learn),
        lifecycle.hand_back,
        lambda attempt: lifecycle.preempt(attempt, {}, 2),
        lifecycle.give_up_lost,
        lambda attempt: lifecycle.end_cancelled(attempt, {}),
    ]
    for number, end in enumerate(ends, start=1):
        attempt = claimed(submit())
        attempt.begun = monotonic() - 20
        assert end(attempt)
        # The decay within a second is negligible for a half-life of an hour.
        had = DeviceTime.objects.get(owner=artist)
        assert had.seconds == pytest.approx(20.0 * number, abs=1.0)
        requests.cancel(attempt.job)


def test_each_member_of_a_batch_is_charged_an_equal_part(
    submit: Submit, claimed: Claim, artist: User, stranger: User, estimator: Estimator
) -> None:
    for owner in (artist, artist, artist, stranger):
        attempt = claimed(submit(owner=owner))
        attempt.begun, attempt.batch_size = monotonic() - 20, 4
        assert lifecycle.complete(attempt, [], {}, estimator.learn)

    had = queue_state.device_time(timezone.now().timestamp(), [])
    assert had[artist.pk] == pytest.approx(15.0, abs=0.5)
    assert had[stranger.pk] == pytest.approx(5.0, abs=0.5)


def test_device_time_counts_half_after_an_hour(artist: User) -> None:
    now = timezone.now()
    DeviceTime.add(artist.pk, 80.0, now - timedelta(hours=2))
    DeviceTime.add(artist.pk, 10.0, now - timedelta(hours=1))

    assert queue_state.device_time(now.timestamp(), [])[artist.pk] == pytest.approx(25.0)


def test_a_retried_job_comes_after_the_waiting_jobs(submit: Submit, device: Device) -> None:
    retried, waited = submit(), submit()
    requests.cancel(retried)
    requests.retry(retried)

    assert claim_all(device) == [waited, retried]


def test_a_job_on_hold_is_never_claimed(
    submit: Submit, device: Device, estimator: Estimator
) -> None:
    held, other = submit(Priority.URGENT), submit()
    seen = Job.objects.get(pk=held.pk)
    requests.hold(held)

    assert claim_all(device) == [other]
    assert lifecycle.start(seen, device) is None, "not even by who saw it before"
    another()
    assert claim(device, estimator) is None
    requests.release(held)
    assert claim_all(device) == [held]


def test_a_device_claims_only_its_kinds_of_work(
    submit: Submit, device: Device, estimator: Estimator
) -> None:
    submit()
    device.works = ["video"]

    assert claim(device, estimator) is None
    assert not claimable(device).exists()
    device.works = []
    assert claim(device, estimator) is None


@pytest.mark.parametrize("beside_others", [False, True])
def test_jobs_that_a_device_does_not_take_do_not_hide_later_ones(
    beside_others: bool, submit: Submit, device: Device
) -> None:
    """All jobs are in one group; the first hundred are too large or of another family."""
    for _ in range(50):
        submit(width=256)
        Job.objects.filter(pk=submit().pk).update(family="sdxl")
    small = submit()
    device.families, device.largest_size = ["stable-diffusion"], 128
    device.save()
    if beside_others:
        another(works=["preview"])

    assert claim_all(device) == [small]


@pytest.mark.parametrize("pause", ["after_job", "at_once"])
def test_a_paused_device_takes_nothing(
    pause: str, submit: Submit, device: Device, estimator: Estimator
) -> None:
    submit()
    device.pause = pause

    assert claim(device, estimator) is None


def test_the_jobs_of_one_owner_go_by_rank_unless_a_load_is_avoided(
    submit: Submit, device: Device, toon: ModelCard
) -> None:
    """A single device also avoids model loads."""
    oils = ModelCard.objects.create(slug="oils", name="Oils", family="stable-diffusion")
    other, same, late = submit(), submit(), submit()
    Job.objects.filter(pk=other.pk).update(model=oils)
    Job.objects.filter(pk=late.pk).update(queued_at=timezone.now() + timedelta(minutes=6))
    device.resident = ["toon"]
    device.save()

    assert claim_all(device) == [same, other, late]


def test_a_job_is_left_to_a_device_that_finishes_it_sooner(
    ran: Ran, submit: Submit, device: Device, estimator: Estimator
) -> None:
    """A slow device takes only the jobs that the fast one would not finish sooner."""
    fast = another("cuda:0", kind="cuda", resident=["toon"])
    Device.objects.filter(pk=device.pk).update(resident=["toon"])
    device.refresh_from_db()
    ran(60.0, on=device)
    ran(10.0, on=fast)
    waiting = [submit() for _ in range(3)]

    assert claim(device, estimator) is None, "the fast one has done all three in half a minute"

    waiting += [submit() for _ in range(4)]
    attempt = claim(device, estimator)
    assert attempt is not None
    assert attempt.job == waiting[5]
    attempt = claim(fast, estimator)
    assert attempt is not None
    assert attempt.job == waiting[0]


def test_a_device_that_loses_a_race_reads_the_queue_again(
    submit: Submit, device: Device, monkeypatch: pytest.MonkeyPatch, estimator: Estimator
) -> None:
    """Another device is faster each time, until only one job is left."""
    other = another()
    for _ in range(8):
        submit()
    last = submit(Priority.LOW)
    start = lifecycle.start

    def lose(job: Job, _: Device) -> Any:
        start(job, other)
        if not Job.objects.waiting().exclude(pk=last.pk).exists():
            monkeypatch.setattr(lifecycle, "start", start)

    monkeypatch.setattr(lifecycle, "start", lose)
    attempt = claim(device, estimator)

    assert attempt is not None
    assert attempt.job == last


def test_after_a_job_is_cancelled_during_the_claim_the_next_one_is_claimed(
    submit: Submit, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim reads the queue again, so it does not take a job of a lower priority."""
    cancelled, following, low = submit(), submit(), submit(Priority.LOW)
    start = lifecycle.start

    def cancel_first(job: Job, on: Device) -> Any:
        if job == cancelled:
            requests.cancel(job)
        return start(job, on)

    monkeypatch.setattr(lifecycle, "start", cancel_first)

    assert claim_all(device) == [following, low]


def test_unreadable_jobs_fail_and_the_next_of_their_priority_is_claimed(
    submit: Submit, device: Device
) -> None:
    broken, sound, low = [submit(), submit()], submit(), submit(Priority.LOW)
    for job in broken:
        Job.objects.filter(pk=job.pk).update(spec_data={"of": "another time"})

    assert claim_all(device) == [sound, low]
    assert {Job.objects.get(pk=job.pk).status for job in broken} == {Status.FAILED}
