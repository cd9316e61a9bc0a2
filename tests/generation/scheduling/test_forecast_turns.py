"""The forecast plays what the claim does: levels, turns between people, what is known of devices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from generation.estimating.estimator import Estimator
from generation.models import Device, Job, ModelCard
from generation.queue import lifecycle, requests
from generation.scheduling.assignment import LOOK_AHEAD
from generation.scheduling.claim import claim
from generation.scheduling.forecast import Forecaster
from generation.specs import RenderSpec
from generation.states import Priority
from tests.generation.conftest import Ran

pytestmark = pytest.mark.django_db

Submit = Callable[..., Job]

RUN = 10.0
"""Seconds that the history of these tests says a render takes."""
EXACT = 0.01
"""The history's own writing takes some milliseconds, and they count."""


@pytest.fixture
def known(ran: Ran, device: Device) -> None:
    """Renders of the small spec have a history, and the model is loaded."""
    ran(RUN)
    Device.objects.filter(pk=device.pk).update(resident=["toon"])


def about(*seconds: float) -> list[Any]:
    """These lengths, nearly."""
    return [pytest.approx(length, rel=EXACT) for length in seconds]


def in_order(forecaster: Forecaster) -> list[Any]:
    """The keys of the waiting jobs by their position."""
    return [place.key for place in forecaster.forecast().places]


def wait_since(job: Job, minutes: float) -> None:
    """Let a job have been submitted so long ago."""
    moment = timezone.now() - timedelta(minutes=minutes)
    Job.objects.filter(pk=job.pk).update(queued_at=moment, rank=moment.timestamp())


def test_people_take_turns(
    known: None, submit: Submit, stranger: User, forecaster: Forecaster
) -> None:
    """The artist had the device for the history; the stranger has not had it yet."""
    mine, his = submit(), submit(owner=stranger)

    assert in_order(forecaster) == [his.pk, mine.pk]


def test_a_job_that_waited_long_moves_up_and_says_so(
    known: None, submit: Submit, settings: Any, forecaster: Forecaster
) -> None:
    settings.GENGA_AGEING_MINUTES = 10
    new = submit(Priority.HIGH)
    wait_since(normal := submit(), minutes=20)
    wait_since(low := submit(Priority.LOW), minutes=31)
    urgent = submit(Priority.URGENT)

    places = forecaster.forecast().places

    assert [place.key for place in places] == [urgent.pk, low.pk, normal.pk, new.pk]
    assert [reason.code for reason in places[1].reasons] == ["ahead", "moved_up", "only_device"]
    assert places[1].reasons[0].values == {"count": 1}
    assert [reason.code for reason in places[3].reasons] == ["ahead", "only_device"]
    assert places[3].reasons[0].values == {"count": 3}


def test_a_job_that_will_have_waited_long_by_then_passes_newer_high_work(
    known: None, submit: Submit, settings: Any, forecaster: Forecaster
) -> None:
    """Levels rise while the forecast plays: after half a minute the normal job is high."""
    settings.GENGA_AGEING_MINUTES = 4
    wait_since(normal := submit(), minutes=3.5)
    for number in range(20):
        submit(Priority.HIGH, seed=number)

    place = in_order(forecaster).index(normal.pk)

    assert 3 <= place <= 3 + LOOK_AHEAD


def test_changes_of_a_waiting_job_are_seen_at_once(
    known: None, submit: Submit, settings: Any, forecaster: Forecaster
) -> None:
    """A process remembers what it has read of the queue; nothing that changes may be old."""
    first, second, third = submit(), submit(), submit()
    assert in_order(forecaster) == [first.pk, second.pk, third.pk]

    requests.move_to_front(third)
    assert in_order(forecaster) == [third.pk, first.pk, second.pk]
    requests.change_priority(second, Priority.HIGH)
    assert in_order(forecaster) == [second.pk, third.pk, first.pk]
    requests.hold(second)
    assert in_order(forecaster) == [third.pk, first.pk]
    requests.release(second)
    requests.cancel(third)
    assert in_order(forecaster) == [second.pk, first.pk]
    requests.retry(third)
    assert in_order(forecaster) == [second.pk, first.pk, third.pk]
    wait_since(third, minutes=3 * settings.GENGA_AGEING_MINUTES)
    assert in_order(forecaster) == [third.pk, second.pk, first.pk]
    Job.objects.filter(pk=first.pk).update(saved_steps=2)
    assert [place.seconds for place in forecaster.forecast().places] == about(RUN, RUN, RUN / 2)


def test_a_device_of_the_same_hardware_is_taken_to_be_as_quick(
    known: None, submit: Submit, forecaster: Forecaster
) -> None:
    """cpu:1 has no history, cpu:0 has."""
    Device.objects.create(
        name="cpu:1", kind="cpu", works=["preview"], heartbeat_at=timezone.now(), resident=["toon"]
    )
    submit(), submit()

    places = forecaster.forecast().places

    assert {place.device for place in places} == {"cpu:0", "cpu:1"}
    assert [place.seconds for place in places] == about(RUN, RUN)


def test_one_of_other_hardware_has_no_known_run_time(
    known: None, submit: Submit, forecaster: Forecaster
) -> None:
    Device.objects.create(
        name="cuda:0",
        kind="cuda",
        works=["preview"],
        heartbeat_at=timezone.now(),
        resident=["toon"],
    )
    submit(), submit(), submit()

    places = forecaster.forecast().places

    assert [place.device for place in places] == ["cuda:0", "cpu:0", "cpu:0"]
    assert [place.seconds for place in places] == [None, *about(RUN, RUN)]


def test_a_model_that_is_not_loaded_adds_its_loading(
    ran: Ran, device: Device, submit: Submit, forecaster: Forecaster
) -> None:
    ran(RUN + 4.0, load=4.0)
    submit(), submit()

    assert [place.seconds for place in forecaster.forecast().places] == about(RUN + 4.0, RUN)


def test_a_new_measurement_is_used_at_once(
    known: None, ran: Ran, submit: Submit, forecaster: Forecaster
) -> None:
    submit()
    assert [place.seconds for place in forecaster.forecast().places] == about(RUN)

    ran(3 * RUN)

    after = forecaster.forecast().places[0].seconds
    assert after is not None
    assert 1.4 * RUN < after < 2 * RUN


def test_a_run_from_a_snapshot_or_in_a_batch_is_no_measurement(
    known: None, ran: Ran, submit: Submit, forecaster: Forecaster
) -> None:
    for field, value in (("resumed_from", 3), ("batch_size", 4)):
        ran(5 * RUN, noted={field: value})
    submit()

    assert [place.seconds for place in forecaster.forecast().places] == about(RUN)


def test_the_forecast_and_the_claim_agree(
    known: None,
    submit: Submit,
    device: Device,
    stranger: User,
    estimator: Estimator,
    forecaster: Forecaster,
) -> None:
    """What is said to be next on the only device is what that device takes."""
    device.refresh_from_db()
    for priority in (Priority.LOW, Priority.NORMAL, Priority.HIGH, Priority.NORMAL):
        submit(priority)
        submit(priority, owner=stranger)

    while order := in_order(forecaster):
        attempt = claim(device, estimator)
        assert attempt is not None
        assert attempt.job_id == order[0]
        lifecycle.complete(attempt, [], {}, estimator.learn)


def test_the_outlook_knows_whose_turn_it_is(
    known: None,
    submit: Submit,
    spec: RenderSpec,
    toon: ModelCard,
    artist: User,
    stranger: User,
    forecaster: Forecaster,
) -> None:
    submit()

    assert forecaster.forecast_request(spec, toon, Priority.NORMAL, stranger.pk).position == 1
    assert forecaster.forecast_request(spec, toon, Priority.NORMAL, artist.pk).position == 2
