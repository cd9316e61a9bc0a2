"""The message that says what to expect of a request before it is submitted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from generation.models import Device, ModelCard, Progress
from generation.scheduling.forecast import Forecaster
from generation.sentences import Said
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


def parts(**asked: Any) -> dict[str, Mapping[str, Any]]:
    """The codes of the message's sentences, in order, with their values."""
    made = planner.plan(Forecaster(), REQUEST.but(**asked))
    return {said.code: said.values for said in messages.message_parts(made)}


def suggestion(**asked: Any) -> Said | None:
    request = REQUEST.but(**asked)
    return messages.suggested_draft(Forecaster(), request, planner.plan(Forecaster(), request))


def test_an_unknown_render_says_that_its_time_is_unknown(toon: ModelCard, device: Device) -> None:
    told = parts()

    assert list(told) == ["no_estimate", "starts_now"]
    assert told["no_estimate"] == {"what": "A standard of 128×128"}


def test_a_message_joins_its_sentences(toon: ModelCard, device: Device) -> None:
    made = planner.plan(Forecaster(), REQUEST)

    time, start = messages.message_parts(made)

    assert messages.message_for(made) == f"{time.text} {start.text}"


def test_a_known_render_says_how_long_and_within_which_range(took: Took) -> None:
    took({Quality.STANDARD: 20.0})

    told = parts()

    assert list(told) == ["estimate", "starts_now"]
    assert told["estimate"]["what"] == "A standard of 128×128"
    assert (told["estimate"]["time"], told["estimate"]["span"]) == ("20 seconds", "20 s")
    assert told["estimate"]["seconds"] == pytest.approx(20.0, rel=0.02)


def test_a_range_that_is_more_than_one_number_is_told_from_its_low_to_its_high(
    took: Took,
) -> None:
    took({Quality.STANDARD: 20.0})
    took({Quality.STANDARD: 26.0}, times=2)

    told = parts()["estimate"]

    assert told["low"] < told["seconds"] < told["high"]
    assert "–" in told["span"]


def test_what_was_hardly_seen_is_called_a_rough_guess(took: Took) -> None:
    took({Quality.STANDARD: 20.0}, times=1)

    told = parts()

    assert list(told) == ["rough_estimate", "starts_now"]
    assert told["rough_estimate"]["span"] == "8.9–45 s"


def test_a_render_that_waits_says_when_it_starts(took: Took, running: MakeTake) -> None:
    took({Quality.STANDARD: 20.0})
    busy_for(400.0, running)

    assert parts()["starts_later"]["wait"] == "7 minutes"


def test_without_a_device_the_place_in_the_queue_is_what_is_known(
    queued: MakeTake, artist: User
) -> None:
    queued()

    waits = parts(owner_id=artist.pk)
    urgent = parts(owner_id=artist.pk, priority=Priority.URGENT)

    assert waits["position_known"] == {"position": 2}
    assert urgent["position_known"] == {"position": 1}


def test_while_every_device_that_takes_it_is_away_these_are_named(
    toon: ModelCard, device: Device
) -> None:
    Device.objects.update(heartbeat_at=None)

    assert parts()["waits_for_device"] == {"devices": "cpu:0"}


def test_a_clip_is_told_by_its_length(toon_motion: ModelCard, device: Device) -> None:
    Device.objects.update(memory_bytes=32 * 2**30)

    told = parts(type="video", duration=3.0, quality=Quality.FINAL, interpolate=2)

    what = "A final clip of 2.9 seconds (47 frames, 128×128)"
    assert told["no_estimate"] == {"what": what}


@pytest.mark.parametrize(
    ("limit", "codes"),
    [
        (100.0, []),
        (59.0, ["gives_up"]),
        (5.0, ["nothing_fits", "gives_up"]),
    ],
)
def test_what_the_time_costs_is_said(limit: float, codes: list[str], took: Took) -> None:
    took(LADDER)

    assert list(parts(finish_within=limit))[2:] == codes


def test_the_nearest_says_when_it_is_finished_and_what_it_gives_up(took: Took) -> None:
    took(LADDER)
    made = planner.plan(Forecaster(), REQUEST.but(finish_within=5.0))

    told = {said.code: said.values for said in messages.message_parts(made)}

    assert told["nothing_fits"]["bound"] == "12 seconds"
    assert [given_up.text in told["gives_up"]["given_up"] for given_up in made.given_up] == [
        True,
        True,
    ]


def test_a_time_that_nobody_can_judge_is_not_spoken_of(toon: ModelCard, device: Device) -> None:
    assert list(parts(finish_within=5.0)) == ["no_estimate", "starts_now"]


def test_a_long_render_comes_with_the_suggestion_of_a_draft(took: Took) -> None:
    """The draft was never rendered: its time follows from the final's steps."""
    took({Quality.FINAL: 500.0})

    suggested = suggestion(quality=Quality.FINAL)

    assert suggested is not None
    assert (suggested.code, suggested.values["time"]) == ("draft_suggested", "2 minutes")


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
