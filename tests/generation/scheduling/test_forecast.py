"""The queue played forward: positions, starts, and "estimating" where nobody can know."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from generation.models import Device, Job, Progress
from generation.scheduling.forecast import forecast, outlook
from generation.specs import RenderSpec
from generation.states import Priority
from tests.generation.conftest import Claim, Ran

pytestmark = pytest.mark.django_db

Submit = Callable[..., Job]

RUN = 10.0
"""Seconds that the history of these tests says a render takes."""


@pytest.fixture
def known(ran: Ran, device: Device) -> None:
    """Renders of the small spec have a history, and the model is loaded."""
    ran(RUN)
    Device.objects.filter(pk=device.pk).update(resident=["toon"])


def from_now(*moments: datetime | None) -> list[float]:
    """Seconds until each moment; all of them must be known."""
    now = timezone.now()
    return [(moment - now).total_seconds() for moment in moments if moment is not None]


def about(*seconds: float) -> Any:
    """The clock goes on between a forecast and the look at it."""
    return pytest.approx(list(seconds), abs=2.0)


def test_nothing_waits(device: Device) -> None:
    assert forecast().places == []


def test_jobs_follow_one_another_on_one_device(known: None, submit: Submit) -> None:
    first, second, third = submit(), submit(), submit()

    places = forecast().places

    assert [(place.job, place.position) for place in places] == [
        (first, 1),
        (second, 2),
        (third, 3),
    ]
    assert from_now(places[0].start, places[0].finish) == about(0.0, RUN)
    assert from_now(places[1].start, places[1].finish) == about(RUN, 2 * RUN)
    assert from_now(places[2].start, places[2].finish) == about(2 * RUN, 3 * RUN)
    assert places[0].why == "Next on cpu:0."
    assert places[2].why == "2 ahead of it; cpu:0 is free first."


def test_two_devices_share_the_queue(known: None, submit: Submit) -> None:
    Device.objects.create(
        name="cpu:1", types=["image"], heartbeat_at=timezone.now(), resident=["toon"]
    )
    for _ in range(4):
        submit()

    places = forecast().places

    starts = from_now(*(place.start for place in places))
    assert starts == about(0.0, 0.0, RUN, RUN)
    assert {place.device.name for place in places[:2] if place.device} == {"cpu:0", "cpu:1"}


def test_urgent_work_is_forecast_first(known: None, submit: Submit) -> None:
    normal = submit()
    urgent = submit(Priority.URGENT)

    found = forecast()

    place = found.place_of(urgent)
    assert place is not None
    assert place.position == 1
    place = found.place_of(normal)
    assert place is not None
    assert place.position == 2


def test_a_job_that_does_not_wait_has_no_place(submit: Submit, claimed: Claim) -> None:
    job = submit()
    claimed(job)

    assert forecast().place_of(job) is None


def test_the_first_job_starts_when_the_running_one_ends_by_its_own_pace(
    known: None, submit: Submit, claimed: Claim
) -> None:
    running = submit()
    claimed(running)
    Progress.objects.filter(pk=running.pk).update(
        remaining_seconds=25.0, updated_at=timezone.now() - timedelta(seconds=5)
    )
    submit()

    place = forecast().places[0]
    assert from_now(place.start, place.finish) == about(20.0, 20.0 + RUN)


def test_before_the_running_job_has_a_pace_its_estimate_counts(
    known: None, submit: Submit, claimed: Claim
) -> None:
    running = submit()
    claimed(running)
    Job.objects.filter(pk=running.pk).update(started_at=timezone.now() - timedelta(seconds=4))
    submit()

    assert from_now(forecast().places[0].start) == about(RUN - 4)


def test_a_running_job_that_is_overdue_ends_any_moment(
    known: None, submit: Submit, claimed: Claim
) -> None:
    running = submit()
    claimed(running)
    Job.objects.filter(pk=running.pk).update(started_at=timezone.now() - timedelta(hours=1))
    submit()

    assert from_now(forecast().places[0].start) == about(0.0)


def test_behind_work_that_nobody_can_estimate_no_start_is_invented(
    submit: Submit, claimed: Claim, device: Device
) -> None:
    claimed(submit())
    submit()

    place = forecast().places[0]

    assert (place.position, place.start, place.finish, place.device) == (1, None, None, None)
    assert place.why == "The work ahead of it has no estimate yet."


def test_a_job_without_an_estimate_starts_but_hides_what_follows(
    known: None, submit: Submit
) -> None:
    unknown = submit(steps=9)
    behind = submit()

    found = forecast()

    first, second = found.by_job[unknown.pk], found.by_job[behind.pk]
    assert (first.prediction, first.finish) == (None, None)
    assert from_now(first.start) == about(0.0)
    assert (second.position, second.start) == (2, None)
    assert second.prediction is not None


def test_without_a_device_there_is_a_position_and_a_reason(submit: Submit) -> None:
    submit()

    place = forecast().places[0]

    assert (place.position, place.start, place.device) == (1, None, None)
    assert place.why == "No device that makes images is online; it starts when one joins."


@pytest.mark.parametrize(
    "gone",
    [
        {"heartbeat_at": None},
        {"heartbeat_at": timezone.now() - timedelta(hours=1)},
        {"is_paused": True},
        {"types": ["video"]},
    ],
    ids=["signed off", "silent", "paused", "makes something else"],
)
def test_a_device_that_takes_no_job_is_no_lane(
    gone: dict[str, object], submit: Submit, device: Device
) -> None:
    Device.objects.filter(pk=device.pk).update(**gone)
    submit()

    assert forecast().places[0].start is None


def test_a_queue_may_be_played_that_is_not_the_real_one(known: None, submit: Submit) -> None:
    first, second = submit(), submit()

    found = forecast([second])

    assert [place.job for place in found.places] == [second]
    assert found.place_of(first) is None


def test_the_outlook_of_an_empty_queue_is_now(known: None, spec: RenderSpec) -> None:
    view = outlook(spec, Priority.NORMAL)

    assert (view.position, view.prediction and view.prediction.seconds) == (1, RUN)
    assert from_now(view.start) == about(0.0)


@pytest.mark.parametrize(
    ("priority", "position", "start"),
    [(Priority.LOW, 3, 2 * RUN), (Priority.NORMAL, 2, RUN), (Priority.URGENT, 1, 0.0)],
)
def test_the_outlook_counts_those_that_would_go_first(
    priority: Priority, position: int, start: float, known: None, submit: Submit, spec: RenderSpec
) -> None:
    submit(Priority.NORMAL)
    submit(Priority.LOW)

    view = outlook(spec, priority)

    assert view.position == position
    assert from_now(view.start) == about(start)


def test_the_outlook_without_devices_or_history_promises_nothing(spec: RenderSpec) -> None:
    view = outlook(spec, Priority.NORMAL)

    assert (view.position, view.start, view.prediction) == (1, None, None)


def test_an_outlook_submits_nothing(known: None, spec: RenderSpec) -> None:
    before = Job.objects.count()

    outlook(spec, Priority.URGENT)

    assert Job.objects.count() == before
