"""What people are told before the click, and the quality that fits the time they have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from generation import jobs
from generation.models import Attempt, Device, ModelCard, Progress
from generation.specs import Quality
from generation.states import Priority
from studio import rendering
from studio.compose import RenderRequest
from tests.studio.conftest import MakeTake

pytestmark = pytest.mark.django_db

Took = Callable[[dict[Quality, float]], None]

REQUEST = RenderRequest(prompt="smiling", width=128, height=128)


@pytest.fixture
def took(queued: MakeTake, device: Device) -> Took:
    """Write a history: `took({Quality.DRAFT: 4.0})`, in seconds; the model is loaded."""

    def remember(seconds: dict[Quality, float]) -> None:
        for quality, run in seconds.items():
            attempt = jobs.start(queued(quality=quality).job, device)
            assert attempt is not None
            assert jobs.complete(attempt, [], {})
            Attempt.objects.filter(pk=attempt.pk).update(run_seconds=run)
        Device.objects.update(resident=["toon"])

    return remember


def busy_for(seconds: float, running: MakeTake) -> None:
    """Let the only device be busy for so long."""
    take = running()
    Progress.objects.filter(pk=take.job_id).update(
        remaining_seconds=seconds, updated_at=timezone.now()
    )


LADDER = {Quality.FINAL: 60.0, Quality.STANDARD: 20.0, Quality.DRAFT: 4.0}


@pytest.mark.parametrize(
    ("limit", "quality", "fits"),
    [
        (100.0, Quality.FINAL, True),
        (61.0, Quality.FINAL, True),
        (30.0, Quality.STANDARD, True),
        (5.0, Quality.DRAFT, True),
        (1.0, Quality.DRAFT, False),
    ],
)
def test_the_best_quality_that_fits_is_chosen(
    limit: float, quality: Quality, fits: bool, took: Took
) -> None:
    took(LADDER)

    made = rendering.plan(replace(REQUEST, finish_within=limit))

    assert (made.spec.quality, made.fits) == (quality, fits)


def test_the_waiting_counts_as_well(took: Took, running: MakeTake) -> None:
    took(LADDER)
    busy_for(25.0, running)

    made = rendering.plan(replace(REQUEST, finish_within=30.0))

    assert (made.spec.quality, made.fits) == (Quality.DRAFT, True)


def test_the_quality_and_steps_asked_for_give_way_to_the_time(took: Took) -> None:
    took(LADDER)
    wish = replace(REQUEST, quality=Quality.DRAFT, steps=3, finish_within=100.0)

    assert rendering.plan(wish).spec.quality == Quality.FINAL
    assert rendering.plan(wish).spec.steps == 30


def test_without_history_the_quickest_is_taken_and_nothing_is_promised(
    toon: ModelCard, device: Device
) -> None:
    made = rendering.plan(replace(REQUEST, finish_within=100.0))

    assert (made.spec.quality, made.fits) == (Quality.DRAFT, None)
    assert made.seconds is None


def message(**asked: Any) -> str:
    return rendering.message_for(rendering.plan(replace(REQUEST, **asked)))


def test_an_unknown_render_says_that_its_time_is_unknown(toon: ModelCard, device: Device) -> None:
    assert message() == (
        "A standard of 128x128 was not rendered here before: its time is not known yet, "
        "and it starts at once."
    )


def test_a_known_render_says_how_long_and_within_which_range(took: Took) -> None:
    took({Quality.STANDARD: 20.0})

    assert message() == (
        "A standard of 128x128 takes about 20 seconds (20 s), and it starts at once."
    )


def test_a_render_that_waits_says_when_it_starts(took: Took, running: MakeTake) -> None:
    took({Quality.STANDARD: 20.0})
    busy_for(400.0, running)

    assert message().endswith("and it starts in about 7 minutes.")


def test_without_a_device_the_place_in_the_queue_is_what_is_known(queued: MakeTake) -> None:
    queued()

    assert message().endswith("and its place in the queue is 2.")
    assert message(priority=Priority.URGENT).endswith("and its place in the queue is 1.")


def test_a_time_that_no_quality_fits_is_said(took: Took) -> None:
    took(LADDER)

    assert message(finish_within=1.0).endswith("No quality fits the time you have.")
    assert "No quality" not in message(finish_within=100.0)


def suggestion(**asked: Any) -> str | None:
    request = replace(REQUEST, **asked)
    return rendering.suggestion_for(request, rendering.plan(request))


def test_a_long_render_comes_with_the_suggestion_of_a_draft(took: Took) -> None:
    took({Quality.FINAL: 500.0, Quality.DRAFT: 8.0})

    assert suggestion(quality=Quality.FINAL) == (
        "Use draft quality for a preview in about 8.0 seconds."
    )


@pytest.mark.parametrize(
    ("quality", "history", "why"),
    [
        (Quality.FINAL, {Quality.FINAL: 30.0, Quality.DRAFT: 1.0}, "it is short"),
        (Quality.FINAL, {Quality.FINAL: 90.0, Quality.DRAFT: 80.0}, "a draft saves little"),
        (Quality.FINAL, {Quality.FINAL: 500.0}, "nobody knows the draft"),
        (Quality.FINAL, {Quality.DRAFT: 8.0}, "nobody knows the final"),
        (Quality.DRAFT, {Quality.DRAFT: 500.0}, "it is a draft already"),
    ],
)
def test_nothing_is_suggested_when(
    quality: Quality, history: dict[Quality, float], why: str, took: Took
) -> None:
    took(history)

    assert suggestion(quality=quality) is None, why


def test_the_forecast_of_a_submit_is_kept_with_its_job(
    took: Took, queued: MakeTake, running: MakeTake
) -> None:
    took({Quality.DRAFT: 8.0})
    busy_for(60.0, running)
    now = timezone.now()

    job = queued().job

    assert job.predicted_seconds == 8.0
    assert timedelta(seconds=55) < job.predicted_start - now < timedelta(seconds=65)
