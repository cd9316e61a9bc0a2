"""What no device's memory can hold is refused with the largest that fits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from generation.errors import SpecError
from generation.models import Device, ModelCard
from generation.scheduling import capacity
from generation.scheduling.capacity import Fit, MemoryNeed
from generation.specs import RenderSpec
from generation.states import Work

pytestmark = pytest.mark.django_db

GIGA = 1 << 30


@pytest.fixture
def clip(spec: RenderSpec) -> RenderSpec:
    return replace(spec, type="video", model="toon-motion", width=256, height=256, frames=72, fps=8)


def give_memory(device: Device, memory_bytes: float) -> None:
    Device.objects.filter(pk=device.pk).update(memory_bytes=int(memory_bytes), works=list(Work))


def fit_of(spec: RenderSpec, model: ModelCard) -> Fit:
    """Whether some device's memory holds this one spec."""
    (fit,) = capacity.fits_all([spec], model)
    return fit


def test_a_clip_that_fits_is_fine(clip: RenderSpec, toon_motion: ModelCard, device: Device) -> None:
    give_memory(device, 8 * GIGA)

    capacity.check(clip, toon_motion)


def test_a_longer_clip_than_a_window_needs_hardly_more(
    clip: RenderSpec, toon_motion: ModelCard
) -> None:
    need = MemoryNeed.of(clip, toon_motion, "cpu")

    assert need.total(144, 16) < 1.15 * need.total(24, 16)


def test_the_refusal_names_the_largest_that_fits(
    clip: RenderSpec, toon_motion: ModelCard, device: Device
) -> None:
    need = MemoryNeed.of(clip, toon_motion, "cpu")
    nine = need.fixed + 9.5 * (need.window_frame + need.frame)
    give_memory(device, nine / capacity.USABLE)

    with pytest.raises(SpecError) as problem:
        capacity.check(clip, toon_motion)

    assert (problem.value.field, problem.value.allowed) == ("frames", "2 to 9")
    capacity.check(replace(clip, frames=9), toon_motion)


def test_one_device_that_can_is_enough(
    clip: RenderSpec, toon_motion: ModelCard, device: Device
) -> None:
    give_memory(device, 1 << 20)
    Device.objects.create(name="cuda:0", kind="cuda", works=["video"], memory_bytes=24 * GIGA)

    capacity.check(clip, toon_motion)


def test_a_size_of_which_no_clip_fits_is_told_at_the_width(
    clip: RenderSpec, toon_motion: ModelCard, device: Device
) -> None:
    give_memory(device, 1 << 20)

    with pytest.raises(SpecError) as problem:
        capacity.check(clip, toon_motion)

    assert problem.value.field == "width"


def test_without_a_device_nothing_is_known(clip: RenderSpec, toon_motion: ModelCard) -> None:
    capacity.check(clip, toon_motion)


def test_pictures_are_not_asked(spec: RenderSpec, toon: ModelCard, device: Device) -> None:
    give_memory(device, 1)

    capacity.check(spec, toon)


def test_the_latents_of_very_long_clips_count(clip: RenderSpec, toon_motion: ModelCard) -> None:
    need = MemoryNeed.of(clip, toon_motion, "cpu")
    memory = need.fixed + 16 * need.window_frame + 1000.5 * need.frame

    assert need.largest(memory, 16) == 1000


def free_of(device: Device, free_bytes: float, **fields: object) -> None:
    fields = {"heartbeat_at": timezone.now(), **fields}
    Device.objects.filter(pk=device.pk).update(free_bytes=int(free_bytes), **fields)


def test_what_others_use_now_makes_it_fit_later_only(
    clip: RenderSpec, toon_motion: ModelCard, device: Device
) -> None:
    toon_motion.parameters = 1 << 27
    need = MemoryNeed.of(clip, toon_motion, "cpu")
    window, whole = need.total(16, 16), need.total(72, 16)
    give_memory(device, 8 * GIGA)

    def fits() -> tuple[Fit, Fit, Fit]:
        weights = capacity.weights_fit(toon_motion)
        return weights, capacity.window_fits(clip, toon_motion), fit_of(clip, toon_motion)

    free_of(device, whole + 1)
    assert fits() == (Fit.NOW, Fit.NOW, Fit.NOW)
    free_of(device, window + 1)
    assert fits() == (Fit.NOW, Fit.NOW, Fit.LATER)
    free_of(device, need.fixed + 1)
    assert fits() == (Fit.NOW, Fit.LATER, Fit.LATER)
    free_of(device, need.fixed - 1)
    assert fits() == (Fit.LATER, Fit.LATER, Fit.LATER)
    capacity.check(clip, toon_motion)
    give_memory(device, 0.99 * need.fixed)
    assert fits() == (Fit.NEVER, Fit.NEVER, Fit.NEVER)


def test_of_a_device_that_is_away_all_memory_counts(
    clip: RenderSpec, toon_motion: ModelCard, device: Device
) -> None:
    give_memory(device, 8 * GIGA)
    free_of(device, 1, heartbeat_at=timezone.now() - timedelta(hours=1))

    assert fit_of(clip, toon_motion) == Fit.NOW


def test_the_roomiest_device_that_is_here_counts(
    clip: RenderSpec, toon_motion: ModelCard, device: Device
) -> None:
    give_memory(device, 8 * GIGA)
    free_of(device, 1)
    other = Device.objects.create(
        name="cuda:0", kind="cuda", works=["video"], memory_bytes=24 * GIGA
    )
    assert fit_of(clip, toon_motion) == Fit.LATER, "the roomy one is away"

    free_of(other, 20 * GIGA)

    assert fit_of(clip, toon_motion) == Fit.NOW


def test_what_no_device_here_could_ever_hold_is_left_to_one_that_is_away(
    clip: RenderSpec, toon_motion: ModelCard, device: Device
) -> None:
    give_memory(device, 1 << 20)
    free_of(device, 1 << 20)
    assert fit_of(clip, toon_motion) == Fit.NEVER

    Device.objects.create(name="cuda:0", kind="cuda", works=["video"], memory_bytes=24 * GIGA)

    assert fit_of(clip, toon_motion) == Fit.NOW


def test_a_device_that_may_not_load_the_model_holds_nothing(
    clip: RenderSpec, toon_motion: ModelCard, device: Device
) -> None:
    give_memory(device, 8 * GIGA)
    Device.objects.update(families=["other"])

    assert capacity.weights_fit(toon_motion) == Fit.NEVER
    assert fit_of(clip, toon_motion) == Fit.NOW, "that no device takes it is told elsewhere"


def test_pictures_and_enhancements_fit(
    spec: RenderSpec, clip: RenderSpec, toon: ModelCard, device: Device
) -> None:
    give_memory(device, 1)

    assert fit_of(spec, toon) == Fit.NOW


def test_what_an_acceleration_keeps_counts_where_it_lies(
    clip: RenderSpec, toon_motion: ModelCard
) -> None:
    quick = replace(clip, acceleration=2)

    on_cpu, on_card = (MemoryNeed.of(quick, toon_motion, kind) for kind in ("cpu", "cuda"))

    # Twice, for guidance, the widest map of a frame in float32, in two windows.
    kept = 2 * 2 * toon_motion.channels * 32 * 32 * 4
    assert on_cpu.frame == MemoryNeed.of(clip, toon_motion, "cpu").frame + kept
    assert on_card == MemoryNeed.of(clip, toon_motion, "cuda")
