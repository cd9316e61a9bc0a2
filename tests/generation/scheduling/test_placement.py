"""Which work may go where: rules as data on the devices, and refusals that say what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from generation.errors import SpecError
from generation.models import Device, Job, ModelCard
from generation.scheduling import placement
from generation.scheduling.candidates import first, waiting
from generation.scheduling.placement import JobNeeds
from generation.specs import EnhanceSpec, RenderSpec, SourceFile, SourceUse
from generation.states import Work

pytestmark = pytest.mark.django_db

Submit = Callable[..., Job]

PICTURES = ["image", "preview", "upscale"]
CLIPS = ["video", "interpolate"]


def card(name: str = "cuda:0", works: list[str] = PICTURES, **fields: Any) -> Device:
    return Device.objects.create(
        **{"name": name, "kind": "cuda", "works": works, "heartbeat_at": timezone.now(), **fields}
    )


@pytest.mark.parametrize(
    ("fields", "asked", "code", "told"),
    [
        ({}, ("video", "sdxl", 256), "device_not_set_up", {"work": "videos"}),
        ({}, ("interpolate", "", 0), "device_not_set_up", {"work": "interpolation"}),
        (
            {"families": ["anima"]},
            ("image", "sdxl", 256),
            "device_lacks_family",
            {"family": "sdxl"},
        ),
        ({"largest_size": 1024}, ("image", "sdxl", 1032), "device_too_small", {"pixels": 1024}),
    ],
)
def test_a_device_says_what_it_never_takes(
    fields: dict[str, Any], asked: tuple[str, str, int], code: str, told: dict[str, Any]
) -> None:
    refusal = placement.refusal(card(**fields), JobNeeds(*asked))

    assert refusal is not None
    assert (refusal.code, refusal.values) == (code, {"device": "cuda:0", **told})


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({}, ("image", "sdxl", 2048)),
        ({"families": ["anima", "sdxl"]}, ("image", "sdxl", 256)),
        ({"families": ["anima"]}, ("upscale", "", 0)),
        ({"largest_size": 1024}, ("image", "sdxl", 1024)),
        ({"largest_size": 0}, ("upscale", "", 0)),
    ],
)
def test_a_device_refuses_nothing_that_it_takes(
    fields: dict[str, Any], asked: tuple[str, str, int]
) -> None:
    assert placement.refusal(card(**fields), JobNeeds(*asked)) is None


@pytest.mark.parametrize(
    "rules",
    [
        {},
        {"works": []},
        {"works": ["preview"]},
        {"works": ["image", "video"]},
        {"families": ["stable-diffusion"]},
        {"families": ["sdxl"]},
        {"largest_size": 128},
        {"largest_size": 127},
        {"largest_size": 0},
        {"works": ["image"], "families": ["stable-diffusion", "sdxl"], "largest_size": 200},
    ],
    ids=str,
)
def test_the_rule_is_the_same_in_python_in_the_orm_and_at_the_heads_of_the_queue(
    rules: dict[str, Any], submit: Submit
) -> None:
    for size in (128, 256):
        for quality in ("draft", "final"):
            submit(quality=quality, width=size)
    enhanced = submit()
    Job.objects.filter(pk=enhanced.pk).update(work="upscale", family="", longest_side=0)
    device = card(**{"works": list(Work), **rules})

    taken = {
        job.pk for job in Job.objects.waiting() if placement.takes(device, JobNeeds.of_row(job))
    }

    assert set(placement.claimable(device).values_list("pk", flat=True)) == taken
    heads = [head.key for head in waiting(device, timezone.now().timestamp(), 3600.0)]
    assert {UUID(str(job.key)) for job in first(device, heads, 10)} == taken


@pytest.fixture
def clip(spec: RenderSpec) -> RenderSpec:
    return replace(spec, type="video", model="toon-motion", frames=16, fps=8)


@pytest.fixture
def larger(spec: RenderSpec) -> RenderSpec:
    """An enhancement of a finished picture."""
    source = SourceFile(file="outputs/one.png", sha256="a" * 64, use=SourceUse.ENHANCE)
    return EnhanceSpec.of(spec, source=source, upscale=2)


def refused(spec: RenderSpec, model: ModelCard) -> tuple[str, str, dict[str, Any], str]:
    """The field, the sentence's code, its values and what is allowed."""
    with pytest.raises(SpecError) as caught:
        placement.check(spec, model)
    problem = caught.value
    return problem.field, problem.code, problem.values, problem.allowed


def test_work_that_some_device_takes_is_accepted(
    spec: RenderSpec, toon: ModelCard, clip: RenderSpec, toon_motion: ModelCard
) -> None:
    card("cuda:0", CLIPS)
    card("cuda:1", PICTURES)

    placement.check(spec, toon)
    placement.check(clip, toon_motion)


def test_before_any_device_was_here_everything_is_accepted(
    spec: RenderSpec, toon: ModelCard, clip: RenderSpec, toon_motion: ModelCard
) -> None:
    placement.check(spec, toon)
    placement.check(clip, toon_motion)


@pytest.mark.parametrize(
    "away",
    [
        {"heartbeat_at": None},
        {"heartbeat_at": timezone.now() - timedelta(days=3)},
        {"pause": "after_job"},
    ],
    ids=["signed off", "silent", "paused"],
)
def test_a_device_that_is_away_will_be_back(
    away: dict[str, Any], spec: RenderSpec, toon: ModelCard
) -> None:
    card(**away)

    placement.check(spec, toon)


def test_a_clip_where_only_pictures_are_made(clip: RenderSpec, toon_motion: ModelCard) -> None:
    card()

    assert refused(clip, toon_motion) == (
        "type",
        "work_not_set_up",
        {"work": "videos"},
        "draft images, images, upscaling",
    )


def test_an_enhancement_where_only_clips_are_made(larger: RenderSpec, toon: ModelCard) -> None:
    card(works=CLIPS)

    assert refused(larger, toon) == (
        "upscale",
        "work_not_set_up",
        {"work": "upscaling"},
        "interpolation, videos",
    )


def test_where_devices_are_allowed_nothing_a_lead_is_named(
    spec: RenderSpec, toon: ModelCard
) -> None:
    card(works=[])

    field, _, _, allowed = refused(spec, toon)

    assert field == "type"
    assert "a lead has to allow some work" in allowed


def test_a_family_that_no_device_loads(spec: RenderSpec, toon: ModelCard) -> None:
    card("cuda:0", families=["sdxl", "anima"])
    card("cuda:1", CLIPS)

    assert refused(spec, toon) == (
        "model",
        "family_not_loaded",
        {"work": "draft images", "family": "stable-diffusion"},
        "models of anima, sdxl",
    )


def test_an_enhancement_needs_no_family(larger: RenderSpec, toon: ModelCard) -> None:
    card(families=["sdxl"], largest_size=64)

    placement.check(larger, toon)


@pytest.mark.parametrize(("width", "height", "field"), [(256, 128, "width"), (128, 256, "height")])
def test_a_size_that_no_device_draws(
    width: int, height: int, field: str, spec: RenderSpec, toon: ModelCard
) -> None:
    card("cuda:0", largest_size=128)
    card("cuda:1", largest_size=192)

    assert refused(replace(spec, width=width, height=height), toon) == (
        field,
        "side_too_long",
        {"pixels": 256},
        "up to 192 pixels",
    )


def test_one_device_without_a_limit_is_enough(spec: RenderSpec, toon: ModelCard) -> None:
    card("cuda:0", largest_size=128)
    card("cuda:1")

    placement.check(replace(spec, width=2048), toon)


def test_the_size_counts_on_devices_that_load_the_model(spec: RenderSpec, toon: ModelCard) -> None:
    """A large card for another family is of no use."""
    card("cuda:0", families=["stable-diffusion"], largest_size=128)
    card("cuda:1", families=["sdxl"])

    assert refused(replace(spec, width=256), toon)[0] == "width"
