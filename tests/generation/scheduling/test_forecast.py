"""The queue played forward: positions, starts, and "estimating" where nobody can know."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from generation.models import Device, Job, ModelCard, Progress
from generation.queue import requests
from generation.scheduling.forecast import Forecaster, Place
from generation.specs import RenderSpec
from generation.states import Priority
from tests.generation.conftest import Claim, Ran

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


def from_now(*moments: datetime | None) -> list[float]:
    """Seconds until each moment; all of them must be known."""
    now = timezone.now()
    return [(moment - now).total_seconds() for moment in moments if moment is not None]


def codes(place: Place) -> list[str]:
    """The codes of the reasons why a job waits."""
    return [reason.code for reason in place.reasons]


def values(place: Place) -> dict[str, Any]:
    """The values of these reasons."""
    return {name: value for reason in place.reasons for name, value in reason.values.items()}


def about(*seconds: float) -> Any:
    """The clock goes on between a forecast and the look at it."""
    return pytest.approx(list(seconds), abs=2.0)


def test_nothing_waits(device: Device, forecaster: Forecaster) -> None:
    assert list(forecaster.forecast().places) == []


def test_jobs_follow_one_another_on_one_device(
    known: None, submit: Submit, forecaster: Forecaster
) -> None:
    first, second, third = submit(), submit(), submit()

    places = forecaster.forecast().places

    assert [(place.key, place.position) for place in places] == [
        (first.pk, 1),
        (second.pk, 2),
        (third.pk, 3),
    ]
    assert from_now(places[0].start, places[0].finish) == about(0.0, RUN)
    assert from_now(places[1].start, places[1].finish) == about(RUN, 2 * RUN)
    assert from_now(places[2].start, places[2].finish) == about(2 * RUN, 3 * RUN)
    assert (codes(places[0]), values(places[0])) == (["next", "only_device"], {"device": "cpu:0"})
    assert codes(places[2]) == ["ahead", "only_device"]
    assert values(places[2]) == {"count": 2, "device": "cpu:0"}


def test_two_devices_share_the_queue(known: None, submit: Submit, forecaster: Forecaster) -> None:
    Device.objects.create(
        name="cpu:1",
        kind="cpu",
        works=["preview", "image"],
        heartbeat_at=timezone.now(),
        resident=["toon"],
    )
    for seed in range(4):
        submit(seed=seed)

    places = forecaster.forecast().places

    starts = from_now(*(place.start for place in places))
    assert starts == about(0.0, 0.0, RUN, RUN)
    assert codes(places[0]) == ["next", "soonest_loaded"]
    assert values(places[0]) == {"device": "cpu:0", "model": "toon"}
    assert {place.device for place in places[:2]} == {"cpu:0", "cpu:1"}


def test_urgent_work_is_forecast_first(known: None, submit: Submit, forecaster: Forecaster) -> None:
    normal = submit()
    urgent = submit(Priority.URGENT)

    found = forecaster.forecast()

    place = found.place_of(urgent)
    assert place is not None
    assert place.position == 1
    place = found.place_of(normal)
    assert place is not None
    assert place.position == 2


def test_a_job_that_does_not_wait_has_no_place(
    submit: Submit, claimed: Claim, forecaster: Forecaster
) -> None:
    job = submit()
    claimed(job)

    assert forecaster.forecast().place_of(job) is None


def test_the_first_job_starts_when_the_running_one_ends_by_its_own_pace(
    known: None, submit: Submit, claimed: Claim, forecaster: Forecaster
) -> None:
    running = submit()
    claimed(running)
    Progress.objects.filter(pk=running.pk).update(
        remaining_seconds=25.0, updated_at=timezone.now() - timedelta(seconds=5)
    )
    submit()

    place = forecaster.forecast().places[0]
    assert from_now(place.start, place.finish) == about(20.0, 20.0 + RUN)


def test_before_the_running_job_has_a_pace_its_estimate_counts(
    known: None, submit: Submit, claimed: Claim, forecaster: Forecaster
) -> None:
    running = submit()
    claimed(running)
    Job.objects.filter(pk=running.pk).update(started_at=timezone.now() - timedelta(seconds=4))
    submit()

    assert from_now(forecaster.forecast().places[0].start) == about(RUN - 4)


def test_a_running_job_that_outlives_its_estimate_has_no_known_end(
    known: None, submit: Submit, claimed: Claim, forecaster: Forecaster
) -> None:
    running = submit()
    claimed(running)
    Job.objects.filter(pk=running.pk).update(started_at=timezone.now() - timedelta(hours=1))
    submit()

    assert forecaster.forecast().places[0].start is None


def test_behind_work_that_nobody_can_estimate_no_start_is_invented(
    submit: Submit, claimed: Claim, device: Device, forecaster: Forecaster
) -> None:
    claimed(submit())
    submit()

    place = forecaster.forecast().places[0]

    assert (place.position, place.start, place.finish, place.device) == (1, None, None, None)
    assert codes(place) == ["no_estimate"]


def test_a_job_without_an_estimate_starts_but_hides_what_follows(
    known: None, submit: Submit, forecaster: Forecaster
) -> None:
    unknown = submit(upscale=2)
    behind = submit()

    found = forecaster.forecast()

    first, second = found.place_of(unknown), found.place_of(behind)
    assert (first.seconds, first.finish) == (None, None)
    assert from_now(first.start) == about(0.0)
    assert (second.position, second.start) == (2, None)


def test_without_a_device_there_is_a_position_and_a_reason(
    submit: Submit, forecaster: Forecaster
) -> None:
    submit()

    place = forecaster.forecast().places[0]

    assert (place.position, place.start, place.device) == (1, None, None)
    assert (codes(place), values(place)) == (["no_device_yet"], {"work": "draft images"})


@pytest.mark.parametrize(
    ("state", "reasons", "told"),
    [
        ({"heartbeat_at": None}, ["device_not_online"], {"state": "away"}),
        ({"pause": "at_once"}, ["device_not_online"], {"state": "paused"}),
        ({"works": ["video"]}, ["no_device", "device_not_set_up"], {"work": "draft images"}),
        (
            {"families": ["animatediff"]},
            ["no_device", "device_lacks_family"],
            {"family": "stable-diffusion"},
        ),
        ({"largest_size": 64}, ["no_device", "device_too_small"], {"pixels": 64}),
    ],
)
def test_a_job_that_nobody_takes_now_says_why(
    state: dict[str, object],
    reasons: list[str],
    told: dict[str, Any],
    submit: Submit,
    device: Device,
    forecaster: Forecaster,
) -> None:
    Device.objects.filter(pk=device.pk).update(**state)
    submit()

    place = forecaster.forecast().places[0]
    assert (codes(place), values(place)) == (reasons, {"device": "cpu:0", **told})


def test_why_a_job_waits_is_all_its_reasons_in_words(
    known: None, submit: Submit, forecaster: Forecaster
) -> None:
    submit()

    place = forecaster.forecast().places[0]

    assert place.why == f"{place.reasons[0].text} {place.reasons[1].text}"


def test_a_job_on_hold_has_no_place(known: None, submit: Submit, forecaster: Forecaster) -> None:
    held, waiting = submit(), submit()
    requests.hold(held)

    assert [place.key for place in forecaster.forecast().places] == [waiting.pk]


def test_what_is_saved_shortens_the_rest(
    known: None, submit: Submit, spec: RenderSpec, forecaster: Forecaster
) -> None:
    job = submit()
    Job.objects.filter(pk=job.pk).update(saved_steps=spec.steps // 2)

    place = forecaster.forecast().places[0]

    assert from_now(place.start, place.finish) == about(0.0, RUN / 2)


@pytest.mark.parametrize(
    "gone",
    [
        {"heartbeat_at": None},
        {"heartbeat_at": timezone.now() - timedelta(hours=1)},
        {"pause": "after_job"},
        {"works": ["video"]},
    ],
    ids=["signed off", "silent", "paused", "makes something else"],
)
def test_a_device_that_takes_no_job_is_no_lane(
    gone: dict[str, object], submit: Submit, device: Device, forecaster: Forecaster
) -> None:
    Device.objects.filter(pk=device.pk).update(**gone)
    submit()

    assert forecaster.forecast().places[0].start is None


def test_the_outlook_of_an_empty_queue_is_now(
    known: None, spec: RenderSpec, toon: ModelCard, forecaster: Forecaster
) -> None:
    view = forecaster.forecast_request(spec, toon, Priority.NORMAL)

    assert view.estimate is not None
    assert (view.position, view.estimate.seconds) == (1, pytest.approx(RUN, rel=EXACT))
    assert from_now(view.start) == about(0.0)


@pytest.mark.parametrize(
    ("priority", "position", "start"),
    [(Priority.LOW, 3, 2 * RUN), (Priority.NORMAL, 2, RUN), (Priority.URGENT, 1, 0.0)],
)
def test_the_outlook_counts_those_that_would_go_first(
    priority: Priority,
    position: int,
    start: float,
    known: None,
    submit: Submit,
    spec: RenderSpec,
    toon: ModelCard,
    artist: User,
    forecaster: Forecaster,
) -> None:
    submit(Priority.NORMAL)
    submit(Priority.LOW)

    view = forecaster.forecast_request(spec, toon, priority, artist.pk)

    assert view.position == position
    assert from_now(view.start) == about(start)


def test_the_outlook_without_devices_or_history_promises_nothing(
    spec: RenderSpec, toon: ModelCard, forecaster: Forecaster
) -> None:
    view = forecaster.forecast_request(spec, toon, Priority.NORMAL)

    assert (view.position, view.start, view.estimate) == (1, None, None)


def test_an_outlook_submits_nothing(
    known: None, spec: RenderSpec, toon: ModelCard, forecaster: Forecaster
) -> None:
    before = Job.objects.count()

    forecaster.forecast_request(spec, toon, Priority.URGENT)

    assert Job.objects.count() == before


def test_every_attempt_that_ends_counts_in_the_next_forecast(
    device: Device, ran: Ran, submit: Submit, forecaster: Forecaster
) -> None:
    Device.objects.filter(pk=device.pk).update(resident=["toon"])
    submit()
    assert forecaster.forecast().places[0].seconds is None

    ran(RUN)
    assert forecaster.forecast().places[0].seconds == pytest.approx(RUN, rel=EXACT)

    ran(3 * RUN)
    after = forecaster.forecast().places[0].seconds
    assert after is not None
    assert 1.4 * RUN < after < 2 * RUN, "between the two, and nearer to the geometric mean"
