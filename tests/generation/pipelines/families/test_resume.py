"""A denoising that is saved between two steps and resumed gives the same picture exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from generation.errors import WorkerStopping
from generation.pipelines.families.stable_diffusion.pipeline import StableDiffusion
from generation.pipelines.loop import scheduler_state
from generation.pipelines.loop.denoise import build_scheduler, denoise
from generation.pipelines.loop.step import LoopState, Step
from generation.specs import RenderSpec
from tests.generation.pipelines.families.test_parity import SCHEDULERS

RARE = [
    "CogVideoXDDIMScheduler",
    "DDIMInverseScheduler",
    "DDIMParallelScheduler",
    "DDPMParallelScheduler",
    "DPMSolverMultistepInverseScheduler",
]
"""Schedulers that a model may name, though few do."""


@pytest.fixture
def small(spec: RenderSpec) -> RenderSpec:
    return replace(spec, width=64, height=64, steps=6)


def render(
    pipeline: StableDiffusion,
    spec: RenderSpec,
    on_step: Callable[[Step], Any] = lambda _: None,
    resume: LoopState | None = None,
) -> torch.Tensor:
    return StableDiffusion.denoise(
        pipeline, spec, pipeline.encode(spec), lambda step: on_step(step) and None, resume=resume
    )


def saved_at_each_step(
    pipeline: StableDiffusion, spec: RenderSpec
) -> tuple[dict[int, LoopState], torch.Tensor]:
    states: dict[int, LoopState] = {}

    def keep(step: Step) -> None:
        assert step.save is not None
        states[step.number] = step.save()

    return states, render(pipeline, spec, keep)


@pytest.mark.parametrize("scheduler", [*SCHEDULERS, *RARE], ids=lambda name: name or "own")
def test_a_resumed_render_is_bit_identical(
    scheduler: str, pipeline: StableDiffusion, small: RenderSpec
) -> None:
    changed = replace(small, scheduler=scheduler)
    states, undisturbed = saved_at_each_step(pipeline, changed)

    assert list(states) == [1, 2, 3, 4, 5, 6]
    assert [state.number for state in states.values()] == list(states)
    for number in (2, 5):
        reported: list[tuple[int, int]] = []
        resumed = render(
            pipeline,
            changed,
            lambda step, reported=reported: reported.append((step.number, step.total)),
            states[number],
        )
        assert torch.equal(resumed, undisturbed)
        assert reported == [(after, 6) for after in range(number + 1, 7)]


@pytest.mark.parametrize(
    ("scheduler", "steps"),
    # diffusers' PNDM makes at least four steps.
    [(name, steps) for name in SCHEDULERS for steps in (1, 2, 7) if name != "PNDMScheduler"]
    + [("PNDMScheduler", 4), ("PNDMScheduler", 7)],
)
def test_a_render_of_any_length_can_be_resumed_at_each_step(
    scheduler: str, steps: int, pipeline: StableDiffusion
) -> None:
    """With a formula instead of the UNet, so that every step of every solver can be tried."""

    def predict(model_input: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
        return torch.sin(3 * model_input + float(timestep) / 100)

    def run(on_step: Callable[[Step], None], resume: LoopState | None = None) -> torch.Tensor:
        generator = torch.Generator().manual_seed(3)
        return denoise(
            predict,
            build_scheduler(pipeline.parts.scheduler, scheduler),
            torch.randn((1, 4, 4, 4), generator=generator),
            steps=steps,
            guidance=1.0,
            generator=generator,
            on_step=on_step,
            resume=resume,
        )

    states: list[Any] = []
    undisturbed = run(lambda step: states.append(step.save and step.save()))

    assert len(states) == steps
    for state in states:
        assert torch.equal(run(lambda _: None, state), undisturbed)
        assert torch.equal(run(lambda _: None, state), undisturbed), "a state may be used again"


def test_a_resumed_render_can_be_saved_and_resumed_again(
    pipeline: StableDiffusion, small: RenderSpec
) -> None:
    changed = replace(small, scheduler="DPMSolverMultistepScheduler")
    states, undisturbed = saved_at_each_step(pipeline, changed)
    state = states[1]
    for _ in range(3):
        saved: list[LoopState] = []
        render(pipeline, changed, lambda step, saved=saved: saved.append(step.save()), state)
        state = saved[0]

    assert (state.number, state.done) == (4, 4)
    assert torch.equal(state.latents, states[4].latents)
    assert torch.equal(render(pipeline, changed, resume=state), undisturbed)


def test_a_render_saved_after_its_last_step_does_not_run_the_model_again(
    pipeline: StableDiffusion, small: RenderSpec
) -> None:
    states, undisturbed = saved_at_each_step(pipeline, small)

    def never(step: Step) -> None:
        raise AssertionError("a step was made")

    assert torch.equal(render(pipeline, small, never, states[6]), undisturbed)


def test_an_interrupted_render_is_saved_as_of_its_last_step(
    pipeline: StableDiffusion, small: RenderSpec
) -> None:
    """A worker that must stop saves after it has left the loop."""
    changed = replace(small, scheduler="EulerAncestralDiscreteScheduler")
    undisturbed = render(pipeline, changed)
    held: list[Step] = []

    def stop_at_three(step: Step) -> None:
        held.append(step)
        if step.number == 3:
            raise WorkerStopping

    with pytest.raises(WorkerStopping):
        render(pipeline, changed, stop_at_three)
    assert held[-1].save is not None
    state = held[-1].save()

    assert (state.done, state.number) == (3, 3)
    assert torch.equal(render(pipeline, changed, resume=state), undisturbed)


def test_a_saved_state_does_not_change_while_the_loop_continues(
    pipeline: StableDiffusion, small: RenderSpec
) -> None:
    changed = replace(small, scheduler="PNDMScheduler")
    kept: list[tuple[LoopState, torch.Tensor, Any]] = []

    def keep(step: Step) -> None:
        assert step.save is not None
        state = step.save()
        remembered = state.scheduler["values"]["cur_sample"]
        kept.append(
            (
                state,
                state.latents.clone(),
                remembered.clone() if torch.is_tensor(remembered) else remembered,
            )
        )

    render(pipeline, changed, keep)
    for state, latents, remembered in kept:
        assert torch.equal(state.latents, latents)
        now = state.scheduler["values"]["cur_sample"]
        assert torch.equal(now, remembered) if torch.is_tensor(now) else now is remembered


def test_a_scheduler_that_holds_more_than_plain_data_cannot_be_saved(
    pipeline: StableDiffusion,
) -> None:
    scheduler = build_scheduler(pipeline.parts.scheduler, "")
    scheduler.noise_sampler = object()
    steps: list[Step] = []
    denoise(
        lambda model_input, _: model_input,
        scheduler,
        torch.ones(1, 4, 4, 4),
        steps=2,
        guidance=1.0,
        generator=torch.Generator(),
        on_step=lambda step: steps.append(step),
    )

    assert [step.save for step in steps] == [None, None]
    with pytest.raises(TypeError, match="noise_sampler is a object"):
        scheduler_state.take(scheduler)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("scheduler", SCHEDULERS, ids=lambda name: name or "own")
def test_tensors_go_back_to_the_device_they_were_on(
    scheduler: str, toon_files: Any, small: RenderSpec
) -> None:
    model = StableDiffusion(toon_files, torch.device("cuda"), torch.float32)
    changed = replace(small, scheduler=scheduler)
    states, undisturbed = saved_at_each_step(model, changed)

    for state in states.values():
        assert state.latents.device.type == "cpu"
        assert torch.equal(render(model, changed, resume=state), undisturbed)
