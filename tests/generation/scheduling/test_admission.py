"""Admission to the queue: a spec is refused, accepted, or accepted to wait for devices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from django.utils import timezone

from generation.errors import SpecError
from generation.models import Device, ModelCard
from generation.scheduling.admission import Admission, admit, check_admitted
from generation.specs import EnhanceSpec, RenderSpec, SourceFile, SourceUse
from generation.states import Work

pytestmark = pytest.mark.django_db

AWAY: list[dict[str, Any]] = [{"heartbeat_at": None}, {"pause": "after_job"}]


def card(name: str, **fields: Any) -> Device:
    usual = {"kind": "cuda", "works": list(Work), "heartbeat_at": timezone.now()}
    return Device.objects.create(name=name, **{**usual, **fields})


@pytest.fixture
def larger(spec: RenderSpec) -> RenderSpec:
    """An enhancement of a finished picture."""
    source = SourceFile(file="outputs/one.png", sha256="a" * 64, use=SourceUse.ENHANCE)
    return EnhanceSpec.of(spec, source=source, upscale=2)


def test_a_spec_that_a_working_device_takes_is_accepted(spec: RenderSpec, toon: ModelCard) -> None:
    card("cuda:0")
    card("cuda:1", **AWAY[0])

    assert admit(spec, toon) == Admission()


def test_without_any_known_device_everything_is_accepted(spec: RenderSpec, toon: ModelCard) -> None:
    assert admit(spec, toon) == Admission()


@pytest.mark.parametrize("away", AWAY, ids=["silent", "paused"])
def test_a_spec_that_only_offline_devices_take_waits_for_them(
    away: dict[str, Any], spec: RenderSpec, toon: ModelCard
) -> None:
    card("cuda:0", **away)
    card("cuda:1", **away)
    card("cuda:2", works=["upscale"])

    assert admit(spec, toon) == Admission(waits_for=("cuda:0", "cuda:1"))


@pytest.mark.parametrize(
    ("model", "device", "asked", "field"),
    [
        ({"is_active": False}, {}, {}, "model"),
        ({"max_size": 64}, {}, {}, "width"),
        ({}, {}, {"steps": 0}, "steps"),
        ({}, {"works": ["video"]}, {}, "type"),
        ({}, {"families": ["sdxl"]}, {}, "model"),
        ({}, {"largest_size": 64}, {}, "width"),
    ],
    ids=str,
)
def test_a_spec_that_cannot_be_rendered_is_refused_with_the_field(
    model: dict[str, Any],
    device: dict[str, Any],
    asked: dict[str, Any],
    field: str,
    spec: RenderSpec,
    toon: ModelCard,
) -> None:
    ModelCard.objects.update(**model)
    toon.refresh_from_db()
    card("cuda:0", **device)
    wanted = replace(spec, **asked)

    refusal = admit(wanted, toon).refusal

    assert refusal is not None
    assert refusal.field == field
    with pytest.raises(SpecError) as caught:
        check_admitted(wanted, toon)
    assert (caught.value.field, caught.value.code) == (field, refusal.code)


def test_a_clip_that_fits_no_memory_is_refused(spec: RenderSpec, toon_motion: ModelCard) -> None:
    card("cuda:0", memory_bytes=2**20)
    clip = replace(spec, type="video", model="toon-motion", frames=16, fps=8)

    refusal = admit(clip, toon_motion).refusal

    assert refusal is not None
    assert refusal.field == "width"


def test_an_enhancement_needs_no_model(larger: RenderSpec, toon: ModelCard) -> None:
    toon.is_active = False
    card("cuda:0", families=["sdxl"])

    assert admit(larger, toon) == Admission()


def test_for_a_pinned_job_only_its_device_counts(spec: RenderSpec, toon: ModelCard) -> None:
    away, small = card("cuda:0", **AWAY[0]), card("cuda:1", works=["upscale"])
    card("cuda:2")

    assert admit(spec, toon, away) == Admission(waits_for=("cuda:0",))
    refusal = admit(spec, toon, small).refusal
    assert refusal is not None
    assert (refusal.field, refusal.code) == ("device", "device_not_set_up")
    assert refusal.values["device"] == "cuda:1"
