"""The best that fits the time, waiting included, and the nearest when nothing fits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from generation.errors import SpecError
from generation.models import Device, Job, ModelCard, Progress
from generation.scheduling.capacity import USABLE, MemoryNeed
from generation.scheduling.forecast import Forecaster
from generation.specs import Quality
from generation.states import Work
from studio.ordering import planner, reasons
from studio.ordering.compose import compose
from studio.ordering.planner import Plan
from studio.ordering.reasons import GivenUp
from studio.ordering.request import RenderRequest
from tests.studio.conftest import MakeTake, Took

pytestmark = pytest.mark.django_db

SIZED = RenderRequest(prompt="smiling", width=128, height=128, acceleration=1)
"""A size that was named does not give way, nor does an acceleration."""
LADDER = {Quality.FINAL: 60.0, Quality.STANDARD: 40.0, Quality.DRAFT: 16.0}
"""Two seconds a step for the model's 30, 20 and 8 steps."""


def plan(limit: float | None, request: RenderRequest = SIZED, **asked: Any) -> Plan:
    return planner.plan(Forecaster(), request.but(finish_within=limit, **asked))


def busy_for(seconds: float, running: MakeTake) -> None:
    """Let the only device be busy for so long."""
    take = running()
    Progress.objects.filter(pk=take.job_id).update(
        remaining_seconds=seconds, updated_at=timezone.now()
    )


@pytest.mark.parametrize(
    ("limit", "quality", "steps", "given_up"),
    [
        (200.0, Quality.FINAL, 30, ()),
        (62.0, Quality.FINAL, 30, ()),
        (59.0, Quality.FINAL, 22, ("fewer_steps",)),
        (42.0, Quality.STANDARD, 20, ("lower_quality",)),
        (
            32.0,
            Quality.STANDARD,
            15,
            ("lower_quality", "fewer_steps"),
        ),
        (17.0, Quality.DRAFT, 8, ("lower_quality",)),
        (13.0, Quality.DRAFT, 6, ("lower_quality", "fewer_steps")),
    ],
)
def test_the_least_loss_that_fits_is_chosen(
    limit: float, quality: Quality, steps: int, given_up: tuple[str, ...], took: Took
) -> None:
    took(LADDER)

    made = plan(limit)

    assert (made.spec.quality, made.spec.steps, made.fits) == (quality, steps, True)
    assert tuple(one.choice.code for one in made.given_up) == given_up
    assert made.bound is not None
    assert made.bound <= limit


def test_without_a_limit_nothing_is_given_up_and_nothing_promised(took: Took) -> None:
    took(LADDER)

    made = plan(None, quality=Quality.STANDARD)

    assert (made.spec.quality, made.given_up, made.fits) == (Quality.STANDARD, (), None)


def test_the_upper_bound_has_to_fit_and_not_only_the_median(took: Took) -> None:
    """Seen once, a final is expected after a minute, but sure only after much longer."""
    took({Quality.FINAL: 60.0}, times=1)

    made = plan(70.0)

    assert made.given_up
    assert made.seconds is not None
    assert made.bound is not None
    assert made.seconds < made.bound <= 70.0


def test_the_waiting_counts_as_well(took: Took, running: MakeTake) -> None:
    took(LADDER)
    busy_for(25.0, running)

    made = plan(45.0)

    assert (made.spec.quality, made.fits) == (Quality.DRAFT, True)
    assert made.bound is not None
    assert 25.0 + 16.0 < made.bound <= 45.0


def test_the_quality_asked_for_gives_way_to_the_time_and_named_steps_do_not(took: Took) -> None:
    took(LADDER)

    assert plan(200.0, quality=Quality.DRAFT).spec.quality == Quality.FINAL
    named = plan(20.0, steps=9)
    assert (named.spec.steps, named.spec.quality, named.fits) == (9, Quality.FINAL, True)
    assert plan(10.0, steps=9).fits is False


def test_a_size_that_nobody_named_gives_way_last(took: Took) -> None:
    """The model's 256x256 and half of it were seen: a quarter of the area, a quarter of the time."""
    took(LADDER)
    took({quality: 4 * run for quality, run in LADDER.items()}, width=256, height=256)
    free = SIZED.but(width=None, height=None)

    roomy, tight = plan(250.0, free), plan(15.0, free)

    assert (roomy.spec.width, roomy.given_up) == (256, ())
    assert (tight.spec.width, tight.spec.height) == (128, 128)
    assert tight.fits
    assert tight.given_up[-1].choice == reasons.SMALLER
    assert plan(15.0, free, width=256, height=256).fits is False


def test_acceleration_keeps_the_quality_where_fewer_steps_would_not_do(took: Took) -> None:
    """Every second step whole takes about two thirds of the time, three quarters of the steps more."""
    took(LADDER)

    made = plan(43.0, SIZED.but(acceleration=None))

    assert (made.spec.quality, made.spec.steps, made.fits) == (Quality.FINAL, 30, True)
    assert made.spec.acceleration == 2
    assert made.given_up == (GivenUp(reasons.ACCELERATED, {"ordinal": "second"}),)
    assert plan(43.0).spec.quality == Quality.STANDARD


def test_when_nothing_fits_the_nearest_is_estimated(took: Took) -> None:
    took(LADDER)

    made = plan(5.0)

    assert (made.spec.quality, made.spec.steps, made.fits) == (Quality.DRAFT, 6, False)
    assert made.bound == pytest.approx(12.2, rel=0.03)


def test_without_history_the_quickest_is_taken_and_nothing_is_promised(
    toon: ModelCard, device: Device
) -> None:
    made = plan(100.0)

    assert (made.spec.quality, made.fits, made.seconds) == (Quality.DRAFT, None, None)


def test_where_the_waiting_is_unknown_nothing_is_promised(
    took: Took, queued: MakeTake, running: MakeTake, artist: User
) -> None:
    """Nothing was enlarged here before, so nobody knows when what is ahead will be done."""
    took(LADDER)
    running()
    queued(upscale=2)

    made = plan(500.0, owner_id=artist.pk)

    assert made.bound is None
    assert made.fits is None


def test_what_the_model_cannot_render_is_no_way_out(took: Took) -> None:
    """Half of 256x256 is as small as it can be; half of 128x128 is smaller."""
    took(LADDER)
    ModelCard.objects.update(width=128, height=128)

    made = plan(1.0, SIZED.but(width=None, height=None))

    assert (made.spec.width, made.spec.height) == (128, 128)


def test_a_request_that_cannot_be_rendered_is_refused(toon: ModelCard) -> None:
    with pytest.raises(SpecError, match="width"):
        plan(100.0, width=120)


def test_planning_writes_nothing(took: Took) -> None:
    took(LADDER, times=1)
    before = Job.objects.count()

    plan(30.0)

    assert Job.objects.count() == before


def test_what_was_given_up_is_among_the_reasons(took: Took) -> None:
    took(LADDER)

    (reason,) = plan(59.0).all_reasons
    assert reason == reasons.FEWER_STEPS.because(steps=22, usual=30, within="59 seconds")
    assert plan(200.0).all_reasons == []


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(limit=some.floats(1.0, 400.0))
def test_whatever_the_limit_more_time_never_means_a_worse_choice(
    limit: float, known: list[tuple[float, float]]
) -> None:
    """Steps grow with the quality here, so they order all that can be chosen."""
    made = plan(limit)
    known.append((limit, made.spec.steps))

    chosen = [steps for _, steps in sorted(known)]
    assert chosen == sorted(chosen)
    assert made.fits is (made.bound is not None and made.bound <= limit)


@pytest.fixture
def known(took: Took) -> list[tuple[float, float]]:
    """Limits that were tried with what was chosen for them, for a device that is well known."""
    took(LADDER)
    return []


def test_a_clip_whose_memory_leaves_no_room_for_it_is_not_accelerated(
    took: Took, toon_motion: ModelCard, device: Device
) -> None:
    clip = RenderRequest(prompt="smiling", type="video", width=256, height=256, frames=72)
    roomy = planner.compose(clip)
    need = MemoryNeed.of(roomy.spec, roomy.model, "cpu").total(72, roomy.spec.context_frames)
    Device.objects.update(works=list(Work), memory_bytes=int(1.05 * need / USABLE))

    tight = planner._may_be_accelerated(roomy)
    Device.objects.update(memory_bytes=64 * 2**30)
    assert (tight, planner._may_be_accelerated(roomy)) == (False, True)

    Device.objects.update(free_bytes=int(1.05 * need), heartbeat_at=timezone.now())
    assert planner._may_be_accelerated(roomy) is False, "others use the memory now"


def test_within_a_time_a_clip_is_made_smaller_where_its_usual_size_fits_no_memory(
    took: Took, toon_motion: ModelCard, device: Device, forecaster: Forecaster
) -> None:
    took(LADDER)
    ModelCard.objects.update(width=256, height=256, min_size=64)
    request = RenderRequest(prompt="smiling", type="video", frames=16, finish_within=3600)
    usual = compose(request)
    need = MemoryNeed.of(replace(usual.spec, width=192, height=192), usual.model, "cpu")
    memory = int(1.05 * need.total(16, 8) / USABLE)
    Device.objects.update(works=list(Work), memory_bytes=memory)

    made = planner.plan(forecaster, request)

    assert made.spec.width == 192
    assert made.reasons[0] == reasons.LIGHTER_CLIP.because(frames=16, width=256, height=256)
    with pytest.raises(SpecError) as refused:
        planner.plan(forecaster, request.but(width=256, height=256, interpolate=2))
    assert refused.value.code == "frames_not_held"
