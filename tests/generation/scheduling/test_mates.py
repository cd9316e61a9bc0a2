"""Which jobs are rendered in one batch with the one that a device has claimed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from generation.estimating.estimator import Estimator
from generation.models import Attempt, Device, Job
from generation.queue import requests
from generation.scheduling.claim import MAX_BATCH, claim, claim_mates
from generation.states import Priority, Status
from tests.generation.conftest import Claim

pytestmark = pytest.mark.django_db

Submit = Callable[..., Job]


def mates(job: Job, device: Device, claimed: Claim) -> list[Job]:
    """Whom a claimed job gets for company."""
    return [attempt.job for attempt in claim_mates(claimed(job), device)]


def test_alike_jobs_of_any_seed_and_prompt_run_together(
    submit: Submit, device: Device, claimed: Claim
) -> None:
    first = submit(seed=1)
    same = [submit(seed=2), submit(prompt="1boy, black hair", negative_prompt="blurry")]

    assert mates(first, device, claimed) == same
    assert {job.status for job in Job.objects.all()} == {Status.PROCESSING}
    assert Attempt.objects.filter(device=device).count() == 3


@pytest.mark.parametrize(
    "other",
    [
        {"width": 256},
        {"steps": 5},
        {"guidance": 3.0},
        {"scheduler": "DDIMScheduler"},
        {"upscale": 2},
        {"priority": Priority.LOW},
        {"priority": Priority.HIGH},
        {"priority": Priority.URGENT},
    ],
    ids=str,
)
def test_others_do_not(
    other: dict[str, Any], submit: Submit, device: Device, claimed: Claim
) -> None:
    first = submit()
    submit(**other)

    assert mates(first, device, claimed) == []


def test_a_batch_has_a_largest_size_and_goes_by_rank(
    submit: Submit, device: Device, claimed: Claim
) -> None:
    waiting = [submit(seed=number) for number in range(MAX_BATCH + 2)]
    front = waiting.pop()
    requests.move_to_front(front)

    assert mates(waiting[0], device, claimed) == [front, *waiting[1 : MAX_BATCH - 1]]


def test_other_peoples_jobs_join(
    submit: Submit, device: Device, claimed: Claim, stranger: User
) -> None:
    mine, his = submit(), submit(owner=stranger)

    assert mates(mine, device, claimed) == [his]


def test_urgent_work_runs_alone(submit: Submit, device: Device, claimed: Claim) -> None:
    first = submit(Priority.URGENT)
    submit(Priority.URGENT)

    assert mates(first, device, claimed) == []


def test_work_that_fills_a_device_runs_alone(
    submit: Submit, device: Device, claimed: Claim
) -> None:
    first = submit(width=2048, height=2048)
    submit(width=2048, height=2048)

    assert first.batch_key == ""
    assert mates(first, device, claimed) == []


def test_what_goes_on_from_a_snapshot_runs_alone(
    submit: Submit, device: Device, claimed: Claim
) -> None:
    resumed, other = submit(), submit()
    Job.objects.filter(pk=resumed.pk).update(saved_steps=2)

    assert mates(other, device, claimed) == [], "neither as a mate"

    submit()
    assert mates(resumed, device, claimed) == [], "nor as the first"


def test_a_job_on_hold_is_no_mate(submit: Submit, device: Device, claimed: Claim) -> None:
    first, held = submit(), submit()
    requests.hold(held)

    assert mates(first, device, claimed) == []


def test_a_device_takes_no_mates_that_it_could_not_take_alone(
    submit: Submit, device: Device, claimed: Claim
) -> None:
    """A final and a draft may be alike in everything; this device is set up for one of them."""
    first = submit()
    submit(quality="final")
    device.works = ["preview"]
    assert Job.objects.values_list("batch_key", flat=True).distinct().count() == 1

    assert mates(first, device, claimed) == []


def test_a_mate_that_somebody_else_takes_meanwhile_is_left_to_them(
    submit: Submit, device: Device, claimed: Claim, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, taken, other = submit(), submit(), submit()
    attempt = claimed(first)
    from generation.queue import lifecycle

    start = lifecycle.start

    def lose_one(job: Job, on: Device) -> Attempt | None:
        if job == taken:
            requests.cancel(job)
        return start(job, on)

    monkeypatch.setattr(lifecycle, "start", lose_one)

    assert [mate.job for mate in claim_mates(attempt, device)] == [other]


def test_a_mate_that_cannot_be_read_fails_alone(
    submit: Submit, device: Device, claimed: Claim
) -> None:
    first, broken, sound = submit(), submit(), submit()
    Job.objects.filter(pk=broken.pk).update(spec_data={"of": "another time"})

    assert mates(first, device, claimed) == [sound]
    broken.refresh_from_db()
    assert (broken.status, broken.error_code) == (Status.FAILED, "spec_unreadable")


def test_a_batch_is_found_for_what_was_claimed(
    submit: Submit, device: Device, estimator: Estimator
) -> None:
    submit(Priority.LOW)
    high, also_high = submit(Priority.HIGH), submit(Priority.HIGH)

    attempt = claim(device, estimator)

    assert attempt is not None
    assert [attempt.job, *(mate.job for mate in claim_mates(attempt, device))] == [high, also_high]
