"""Pictures denoised in one batch equal those that are denoised alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from generation.errors import CancelRequested
from generation.pipelines.families.stable_diffusion.pipeline import StableDiffusion
from generation.pipelines.loop.step import Step
from generation.pipelines.model_files import ModelFiles
from generation.specs import RenderSpec

SCHEDULERS = [
    "DPMSolverMultistepScheduler",
    "EulerAncestralDiscreteScheduler",
    "DDIMScheduler",
    "LCMScheduler",
    "PNDMScheduler",
    "HeunDiscreteScheduler",
]
ALIKE = 1e-9
"""Tolerance in double precision: another batch size changes the order of sums. In float32 it would
be some 1e-5, and up to 5e-4 for Heun with two threads, which would hide a mistake."""


@pytest.fixture(scope="module")
def pipeline(toon_files: ModelFiles) -> StableDiffusion:
    """The demo model in double precision."""
    return StableDiffusion(toon_files, torch.device("cpu"), torch.float64)


@pytest.fixture
def three(spec: RenderSpec) -> list[RenderSpec]:
    small = replace(spec, width=64, height=64, steps=4)
    return [
        small,
        replace(small, seed=8, prompt="1boy, long blue hair", negative_prompt="blurry"),
        replace(small, seed=9, prompt="1girl, green eyes, smile", quality="final"),
    ]


def alone(pipeline: StableDiffusion, spec: RenderSpec) -> torch.Tensor:
    return pipeline.denoise(spec, pipeline.encode(spec), lambda _: None)


def together(
    pipeline: StableDiffusion, specs: list[RenderSpec], on_step: object = lambda _: None
) -> torch.Tensor:
    return pipeline.denoise_batch(specs, [pipeline.encode(spec) for spec in specs], on_step)  # type: ignore[arg-type]


def with_scheduler(specs: list[RenderSpec], scheduler: str) -> list[RenderSpec]:
    return [replace(spec, scheduler=scheduler) for spec in specs]


@pytest.mark.parametrize("guidance", [1.0, 4.0], ids=["unguided", "guided"])
@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_each_row_equals_the_render_of_its_spec_alone(
    scheduler: str, guidance: float, pipeline: StableDiffusion, three: list[RenderSpec]
) -> None:
    specs = [replace(spec, guidance=guidance) for spec in with_scheduler(three, scheduler)]

    rows = together(pipeline, specs)

    assert rows.shape == (3, 4, 8, 8)
    for row, spec in zip(rows.split(1), specs, strict=True):
        torch.testing.assert_close(row, alone(pipeline, spec), atol=ALIKE, rtol=0)
    assert (rows[0] - rows[1]).abs().max() > 0.1, "they are really different pictures"


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_batch_of_one_is_bit_identical_to_the_single_render(
    scheduler: str, pipeline: StableDiffusion, three: list[RenderSpec]
) -> None:
    (spec,) = with_scheduler(three[1:2], scheduler)

    assert torch.equal(together(pipeline, [spec]), alone(pipeline, spec))


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_a_row_that_leaves_in_the_middle_does_not_change_the_others(
    scheduler: str, pipeline: StableDiffusion, three: list[RenderSpec]
) -> None:
    specs = with_scheduler(three, scheduler)
    sizes: list[int] = []

    def leave(step: Step) -> Sequence[int] | None:
        assert step.clean is not None
        sizes.append(len(step.clean()))
        return {2: [0, 2], 3: [1]}.get(step.number)

    rows = together(pipeline, specs, leave)

    assert sizes == [3, 3, 2, 1]
    torch.testing.assert_close(rows, alone(pipeline, specs[2]), atol=ALIKE, rtol=0)


def test_rows_are_returned_in_the_requested_order(
    pipeline: StableDiffusion, three: list[RenderSpec]
) -> None:
    rows = together(pipeline, three, lambda step: [2, 0] if step.number == 1 else None)

    for row, spec in zip(rows.split(1), [three[2], three[0]], strict=True):
        torch.testing.assert_close(row, alone(pipeline, spec), atol=ALIKE, rtol=0)


def test_the_loop_ends_when_no_row_is_left(
    pipeline: StableDiffusion, three: list[RenderSpec]
) -> None:
    steps: list[int] = []

    def leave(step: Step) -> Sequence[int] | None:
        steps.append(step.number)
        return [] if step.number == 2 else None

    assert together(pipeline, three, leave).shape == (0, 4, 8, 8)
    assert steps == [1, 2]


def test_a_row_that_leaves_after_the_last_step_is_not_returned(
    pipeline: StableDiffusion, three: list[RenderSpec]
) -> None:
    rows = together(pipeline, three, lambda step: [1] if step.number == 4 else None)

    torch.testing.assert_close(rows, alone(pipeline, three[1]), atol=ALIKE, rtol=0)


def test_an_exception_of_the_hook_ends_the_batch(
    pipeline: StableDiffusion, three: list[RenderSpec]
) -> None:
    def cancel(_: Step) -> None:
        raise CancelRequested

    with pytest.raises(CancelRequested):
        together(pipeline, three, cancel)


def test_each_member_has_its_own_preview(
    pipeline: StableDiffusion, three: list[RenderSpec]
) -> None:
    shown: list[list[bytes]] = []

    def show(step: Step) -> None:
        assert step.clean is not None
        clean = step.clean()
        shown.append([pipeline.preview(clean[row : row + 1]).tobytes() for row in range(3)])

    together(pipeline, three, show)

    assert len(shown) == 4
    assert len(set(shown[-1])) == 3
    assert pipeline.preview(torch.zeros(1, 4, 8, 8)).size == (8, 8)


def test_a_batch_can_be_saved_only_when_one_row_is_left(
    pipeline: StableDiffusion, three: list[RenderSpec]
) -> None:
    savable: list[bool] = []

    def leave(step: Step) -> Sequence[int] | None:
        savable.append(step.save is not None)
        return [1] if step.number == 2 else None

    together(pipeline, three, leave)

    assert savable == [False, False, True, True]


@pytest.mark.parametrize(
    "change", [{"width": 128}, {"steps": 5}, {"guidance": 5.0}, {"scheduler": "DDIMScheduler"}]
)
def test_specs_that_differ_in_other_fields_are_refused(
    change: dict[str, object], pipeline: StableDiffusion, three: list[RenderSpec]
) -> None:
    with pytest.raises(ValueError, match="differ only in"):
        together(pipeline, [three[0], replace(three[1], **change)])  # type: ignore[arg-type]


def test_a_distilled_model_gets_its_guidance_for_each_row(
    toon_copy: object, toon_files: ModelFiles, three: list[RenderSpec]
) -> None:
    from pathlib import Path

    from diffusers import UNet2DConditionModel

    torch.manual_seed(0)
    folder = Path(str(toon_copy))
    config = UNet2DConditionModel.load_config(folder / "unet")
    UNet2DConditionModel.from_config(config, time_cond_proj_dim=32).save_pretrained(folder / "unet")
    distilled = StableDiffusion(
        replace(toon_files, folder=folder), torch.device("cpu"), torch.float64
    )
    specs = with_scheduler(three, "LCMScheduler")

    for row, spec in zip(together(distilled, specs).split(1), specs, strict=True):
        torch.testing.assert_close(row, alone(distilled, spec), atol=ALIKE, rtol=0)
