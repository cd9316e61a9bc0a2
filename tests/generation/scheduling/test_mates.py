"""The jobs that join a claimed job in a batch."""

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
    """The jobs that join this job in a batch."""
    return [attempt.job for attempt in claim_mates(claimed(job), device)]


def test_jobs_that_differ_in_seed_and_prompt_run_together(
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
def test_jobs_that_differ_otherwise_do_not_run_together(
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


def test_jobs_of_other_owners_join_a_batch(
    submit: Submit, device: Device, claimed: Claim, stranger: User
) -> None:
    mine, his = submit(), submit(owner=stranger)

    assert mates(mine, device, claimed) == [his]


def test_urgent_work_runs_alone(submit: Submit, device: Device, claimed: Claim) -> None:
    first = submit(Priority.URGENT)
    submit(Priority.URGENT)

    assert mates(first, device, claimed) == []


def test_a_job_that_fills_a_device_runs_alone(
    submit: Submit, device: Device, claimed: Claim
) -> None:
    first = submit(width=2048, height=2048)
    submit(width=2048, height=2048)

    assert first.batch_key == ""
    assert mates(first, device, claimed) == []


def test_a_job_that_resumes_runs_alone(submit: Submit, device: Device, claimed: Claim) -> None:
    resumed, other = submit(), submit()
    Job.objects.filter(pk=resumed.pk).update(saved_steps=2)

    assert mates(other, device, claimed) == [], "neither as a mate"

    submit()
    assert mates(resumed, device, claimed) == [], "nor as the first"


def test_a_held_job_does_not_join_a_batch(submit: Submit, device: Device, claimed: Claim) -> None:
    first, held = submit(), submit()
    requests.hold(held)

    assert mates(first, device, claimed) == []


def test_a_batch_has_only_jobs_that_the_device_takes(
    submit: Submit, device: Device, claimed: Claim
) -> None:
    """A final and a draft may have one batch key, but this device takes only one of them."""
    first = submit()
    submit(quality="final")
    device.works = ["preview"]
    assert Job.objects.values_list("batch_key", flat=True).distinct().count() == 1

    assert mates(first, device, claimed) == []


def test_a_job_that_another_device_claims_meanwhile_does_not_join(
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


def test_an_unreadable_mate_fails_alone(submit: Submit, device: Device, claimed: Claim) -> None:
    first, broken, sound = submit(), submit(), submit()
    Job.objects.filter(pk=broken.pk).update(spec_data={"of": "another time"})

    assert mates(first, device, claimed) == [sound]
    broken.refresh_from_db()
    assert (broken.status, broken.error_code) == (Status.FAILED, "spec_unreadable")


def test_a_batch_is_found_for_the_claimed_job(
    submit: Submit, device: Device, estimator: Estimator
) -> None:
    submit(Priority.LOW)
    high, also_high = submit(Priority.HIGH), submit(Priority.HIGH)

    attempt = claim(device, estimator)

    assert attempt is not None
    assert [attempt.job, *(mate.job for mate in claim_mates(attempt, device))] == [high, also_high]
