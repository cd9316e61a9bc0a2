"""What people are told before the click, as a colleague would say it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from generation.models import Device, ModelCard, Progress
from generation.scheduling.forecast import Forecaster
from generation.specs import Quality
from generation.states import Priority
from studio.ordering import messages, planner
from studio.ordering.request import RenderRequest
from tests.studio.conftest import MakeTake, Took

pytestmark = pytest.mark.django_db

REQUEST = RenderRequest(prompt="smiling", width=128, height=128, acceleration=1)
LADDER = {Quality.FINAL: 60.0, Quality.STANDARD: 40.0, Quality.DRAFT: 16.0}
"""Two seconds a step for the model's 30, 20 and 8 steps."""


def busy_for(seconds: float, running: MakeTake) -> None:
    """Let the only device be busy for so long."""
    take = running()
    Progress.objects.filter(pk=take.job_id).update(
        remaining_seconds=seconds, updated_at=timezone.now()
    )


def message(**asked: Any) -> str:
    return messages.message_for(planner.plan(Forecaster(), REQUEST.but(**asked)))


def suggestion(**asked: Any) -> str | None:
    request = REQUEST.but(**asked)
    return messages.suggestion_for(Forecaster(), request, planner.plan(Forecaster(), request))


def test_an_unknown_render_says_that_its_time_is_unknown(toon: ModelCard, device: Device) -> None:
    assert message() == (
        "A standard of 128×128 was not rendered here before: its time is not known yet, "
        "and it would start at once."
    )


def test_a_known_render_says_how_long_and_within_which_range(took: Took) -> None:
    took({Quality.STANDARD: 20.0})

    assert message() == (
        "A standard of 128×128 takes about 20 seconds (20 s) and would start at once."
    )


def test_a_range_that_is_more_than_one_number_is_told_from_its_low_to_its_high(
    took: Took,
) -> None:
    took({Quality.STANDARD: 20.0})
    took({Quality.STANDARD: 26.0}, times=2)

    told = message()

    assert "takes about 2" in told
    assert "–" in told.partition("(")[2].partition(")")[0]


def test_what_was_hardly_seen_is_called_a_rough_guess(took: Took) -> None:
    took({Quality.STANDARD: 20.0}, times=1)

    assert message() == (
        "A standard of 128×128 takes about 20 seconds (8.9–45 s, a rough guess)"
        " and would start at once."
    )


def test_a_render_that_waits_says_when_it_starts(took: Took, running: MakeTake) -> None:
    took({Quality.STANDARD: 20.0})
    busy_for(400.0, running)

    assert message().endswith(" and would start in 7 minutes.")


def test_without_a_device_the_place_in_the_queue_is_what_is_known(
    queued: MakeTake, artist: User
) -> None:
    queued()

    waits = message(owner_id=artist.pk)
    urgent = message(owner_id=artist.pk, priority=Priority.URGENT)

    assert waits.endswith(" and it would be number 2 in the queue.")
    assert urgent.endswith(" and it would be number 1 in the queue.")


def test_while_every_device_that_takes_it_is_away_these_are_named(
    toon: ModelCard, device: Device
) -> None:
    Device.objects.update(heartbeat_at=None)

    assert planner.plan(Forecaster(), REQUEST).waits_for == ("cpu:0",)
    assert "cpu:0" in message()


def test_a_clip_is_told_by_its_length(toon_motion: ModelCard, device: Device) -> None:
    Device.objects.update(memory_bytes=32 * 2**30)

    told = message(type="video", duration=3.0, quality=Quality.FINAL, interpolate=2)

    assert told.startswith("A final clip of 2.9 seconds (47 frames, 128×128) was not rendered")


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        (100.0, " would start at once."),
        (59.0, " It gives up: 22 steps instead of 30."),
        (
            5.0,
            " Nothing fits the time you have: this comes nearest, done within 12 seconds."
            " It gives up: draft instead of final quality, 6 steps instead of 8.",
        ),
    ],
)
def test_what_the_time_costs_is_said(limit: float, says: str, took: Took) -> None:
    took(LADDER)

    assert message(finish_within=limit).endswith(says)


def test_a_time_that_nobody_can_judge_is_not_spoken_of(toon: ModelCard, device: Device) -> None:
    told = message(finish_within=5.0)

    assert "Nothing fits" not in told
    assert "gives up" not in told


def test_a_long_render_comes_with_the_suggestion_of_a_draft(took: Took) -> None:
    """The draft was never rendered: its time follows from the final's steps."""
    took({Quality.FINAL: 500.0})

    assert suggestion(quality=Quality.FINAL) == ("A draft shows you the composition in 2 minutes.")


@pytest.mark.parametrize(
    ("asked", "history", "why"),
    [
        ({"quality": Quality.FINAL}, {Quality.FINAL: 30.0}, "it is short"),
        ({"quality": Quality.FINAL}, {}, "nobody knows the final"),
        ({"quality": Quality.DRAFT}, {Quality.DRAFT: 500.0}, "it is a draft already"),
        (
            {"quality": Quality.STANDARD, "steps": 9},
            {Quality.DRAFT: 500.0},
            "a draft of eight steps saves little of nine",
        ),
    ],
)
def test_nothing_is_suggested_when(
    asked: dict[str, Any],
    history: dict[Quality, float],
    why: str,
    took: Took,
    forecaster: Forecaster,
) -> None:
    took(history)
    made = planner.plan(forecaster, REQUEST.but(**asked))
    assert (made.seconds is None) is (not history), "the fact that decides is as it should be"

    assert suggestion(**asked) is None, why


def test_the_forecast_of_a_submit_is_kept_with_its_job(
    took: Took, queued: MakeTake, running: MakeTake
) -> None:
    took({Quality.DRAFT: 8.0})
    busy_for(60.0, running)
    now = timezone.now()

    job = queued().job

    assert job.estimated_seconds == pytest.approx(8.0, rel=0.02)
    assert job.estimated_start is not None
    assert timedelta(seconds=55) < job.estimated_start - now < timedelta(seconds=65)
