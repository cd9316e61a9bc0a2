"""The denoising loop: its counting, its predictions, and leaving it early."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import diffusers
import pytest
import torch
from diffusers import DDIMScheduler

from generation.errors import CancelRequested, ModelUnreadable
from generation.pipelines.families.stable_diffusion.pipeline import StableDiffusion
from generation.pipelines.loop.denoise import build_scheduler, denoise
from generation.pipelines.loop.step import Step
from generation.specs import RenderSpec
from tests.generation.pipelines.families.test_parity import SCHEDULERS

PICTURE = torch.linspace(-1.0, 1.0, 4 * 8 * 8).reshape(1, 4, 8, 8)


def knows_the_picture(scheduler: Any, kind: str) -> Any:
    """A model that knows one picture by heart: its prediction always points at it."""

    def predict(model_input: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        index = int(torch.as_tensor(timestep).round().clamp(0, 999))
        alpha_bar = scheduler.alphas_cumprod[index]
        noise = (model_input - alpha_bar.sqrt() * PICTURE) / (1 - alpha_bar).sqrt()
        if kind == "epsilon":
            return noise
        if kind == "v_prediction":
            return alpha_bar.sqrt() * noise - (1 - alpha_bar).sqrt() * PICTURE
        return PICTURE.expand_as(model_input)

    return predict


def run(scheduler: Any, predict: Any, steps: int = 6, guidance: float = 1.0) -> list[Any]:
    """The clean latents predicted after each step, and the final latents."""
    seen: list[Any] = []
    generator = torch.Generator().manual_seed(1)
    latents = denoise(
        predict,
        scheduler,
        torch.randn(PICTURE.shape, generator=generator),
        steps=steps,
        guidance=guidance,
        generator=generator,
        on_step=lambda step: seen.append(step.clean()),
    )
    return [*seen, latents]


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction", "sample"])
@pytest.mark.parametrize("name", ["DDIMScheduler", "EulerDiscreteScheduler"])
def test_the_clean_latents_are_the_predicted_picture(name: str, kind: str) -> None:
    scheduler = getattr(diffusers, name)(prediction_type=kind)

    for clean in run(scheduler, knows_the_picture(scheduler, kind)):
        torch.testing.assert_close(clean, PICTURE, atol=2e-2, rtol=0)


def test_guidance_pushes_from_the_negative_towards_the_positive() -> None:
    """n + g (p - n), with a model whose two answers are 1 and 2."""
    scheduler = DDIMScheduler(prediction_type="sample", clip_sample=False)

    def predict(model_input: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        negative = torch.ones_like(model_input[:1])
        return torch.cat([negative, 2 * negative])

    *clean, _ = run(scheduler, predict, guidance=3.0)

    assert all(torch.equal(latents, torch.full_like(latents, 4.0)) for latents in clean)


@pytest.mark.parametrize("scheduler", SCHEDULERS, ids=lambda name: name or "own")
def test_whole_steps_are_counted_and_the_last_ends_with_the_last_forward(
    scheduler: str, pipeline: StableDiffusion, spec: RenderSpec
) -> None:
    forwards = [0]
    counted: list[tuple[int, int]] = []
    own = pipeline.parts.scheduler

    def predict(model_input: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
        forwards[0] += 1
        return torch.zeros_like(model_input)

    denoise(
        predict,
        build_scheduler(own, scheduler),
        torch.zeros_like(PICTURE),
        steps=8,
        guidance=1.0,
        generator=torch.Generator(),
        on_step=lambda step: counted.append((step.number, forwards[0])),
    )

    assert [number for number, _ in counted] == list(range(1, 9))
    assert counted[-1][1] == forwards[0], "nothing runs after the last step was reported"


def test_an_exception_of_the_hook_ends_the_loop_at_once(
    pipeline: StableDiffusion, spec: RenderSpec
) -> None:
    seen: list[int] = []

    def cancel_at_two(step: Step) -> None:
        seen.append(step.number)
        if step.number == 2:
            raise CancelRequested

    with pytest.raises(CancelRequested):
        pipeline.denoise(spec, pipeline.encode(spec), cancel_at_two)

    assert seen == [1, 2]


def test_each_call_builds_a_new_scheduler(pipeline: StableDiffusion) -> None:
    own = pipeline.parts.scheduler

    first, second = build_scheduler(own, ""), build_scheduler(own, "")

    assert type(first) is type(second) is type(own)
    assert len({id(first), id(second), id(own)}) == 3


def test_another_scheduler_keeps_the_models_own_settings(pipeline: StableDiffusion) -> None:
    scheduler = build_scheduler(pipeline.parts.scheduler, "EulerDiscreteScheduler")

    assert scheduler.config.prediction_type == "v_prediction"
    assert scheduler.config.beta_start == 0.00085


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("SlowScheduler", "diffusers has no scheduler named 'SlowScheduler'"),
        ("UNet2DConditionModel", "diffusers has no scheduler named"),
        ("__name__", "diffusers has no scheduler named"),
        ("FlowMatchEulerDiscreteScheduler", "made for another kind of model"),
        ("EDMEulerScheduler", "made for another kind of model"),
        ("SASolverScheduler", "cannot be used with this model"),
        ("AmusedScheduler", "cannot be used with this model"),
        ("UnCLIPScheduler", "cannot be used with this model"),
        ("CosineDPMSolverMultistepScheduler", "torchsde"),
    ],
)
def test_an_unsuitable_scheduler_is_refused_with_the_reason(
    name: str, reason: str, pipeline: StableDiffusion
) -> None:
    with pytest.raises(ModelUnreadable, match=reason) as refusal:
        build_scheduler(pipeline.parts.scheduler, name)

    assert "admin" in refusal.value.hint


def test_the_same_seed_is_the_same_noise_whatever_ran_before(
    pipeline: StableDiffusion, spec: RenderSpec
) -> None:
    conditioning = pipeline.encode(spec)
    torch.manual_seed(123)
    first = pipeline.denoise(spec, conditioning, lambda _: None)
    torch.manual_seed(456)

    assert torch.equal(pipeline.denoise(spec, conditioning, lambda _: None), first)
    other = pipeline.denoise(replace(spec, seed=8), conditioning, lambda _: None)
    assert not torch.equal(other, first)
