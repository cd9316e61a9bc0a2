"""Which waiting job a device takes next."""

from collections.abc import Callable

import pytest

from generation import jobs
from generation.models import Device, Job
from generation.scheduling.claim import LOOK_AHEAD, claim, claimable
from generation.states import Priority

pytestmark = pytest.mark.django_db

Submit = Callable[..., Job]


def claim_all(device: Device) -> list[Job]:
    """The jobs in the order in which one device gets them."""
    order = []
    while (attempt := claim(device)) is not None:
        order.append(attempt.job)
    return order


def test_nothing_waits_so_nothing_is_claimed(device: Device) -> None:
    assert claim(device) is None


def test_urgent_goes_first_and_equals_in_the_order_of_their_submit(
    submit: Submit, device: Device
) -> None:
    low = submit(Priority.LOW)
    first, second = submit(Priority.NORMAL), submit(Priority.NORMAL)
    high = submit(Priority.HIGH)
    urgent = submit(Priority.URGENT)

    assert claim_all(device) == [urgent, high, first, second, low]


def test_a_retried_job_goes_behind_those_that_waited(submit: Submit, device: Device) -> None:
    retried, waited = submit(), submit()
    jobs.cancel(retried)
    jobs.retry(retried)

    assert claim_all(device) == [waited, retried]


def test_a_device_takes_only_what_it_makes(submit: Submit, device: Device) -> None:
    submit()
    device.types = ["video"]

    assert claim(device) is None
    assert not claimable(device).exists()


def test_a_paused_device_takes_nothing(submit: Submit, device: Device) -> None:
    submit()
    device.is_paused = True

    assert claim(device) is None


def test_a_device_that_loses_a_whole_page_of_races_looks_again(
    submit: Submit, device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Device.objects.create(name="cpu:1", types=["image"])
    for _ in range(LOOK_AHEAD):
        submit()
    last = submit(Priority.LOW)
    start = jobs.start

    def lose(job: Job, _: Device) -> None:
        """Somebody else was a moment faster, every time until the page was through."""
        start(job, other)
        if job == Job.objects.exclude(pk=last.pk).order_by("queued_at").last():
            monkeypatch.setattr(jobs, "start", start)

    monkeypatch.setattr(jobs, "start", lose)
    attempt = claim(device)

    assert attempt is not None
    assert attempt.job == last
