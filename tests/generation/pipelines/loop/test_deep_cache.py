"""Steps that reuse the output of the deep layers, with the real demo models."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from django.conf import settings

from generation.pipelines.families.stable_diffusion.pipeline import StableDiffusion
from generation.pipelines.loop.deep_cache import DeepCache
from generation.pipelines.loop.step import LoopState, Step
from generation.pipelines.model_files import ModelFiles
from generation.pipelines.registry import load
from generation.specs import RenderSpec

CPU = torch.device("cpu")
MOTION = Path(settings.BASE_DIR) / "fixtures" / "models" / "toon-motion"


@pytest.fixture(scope="module")
def model(toon_files: ModelFiles) -> StableDiffusion:
    return StableDiffusion(toon_files, CPU, torch.float32)


@pytest.fixture
def spec() -> RenderSpec:
    return RenderSpec(
        type="image",
        model="toon",
        prompt="1girl, blue hair",
        quality="standard",
        width=128,
        height=128,
        steps=6,
        guidance=4.0,
        seed=7,
    )


def drawn(
    model: StableDiffusion, spec: RenderSpec, resume: LoopState | None = None
) -> tuple[torch.Tensor, list[Step], list[LoopState]]:
    """The latents, the reported steps, and the states that they could save."""
    steps: list[Step] = []
    states: list[LoopState] = []

    def on_step(step: Step) -> None:
        steps.append(step)
        if step.save is not None:
            states.append(step.save())

    latents = model.denoise(spec, model.encode(spec), on_step, resume=resume)
    return latents, steps, states


def test_without_acceleration_nothing_changes(model: StableDiffusion, spec: RenderSpec) -> None:
    layers = DeepCache(model.parts.unet, 1)
    latents, words = torch.randn(1, 4, 16, 16), model.encode(replace(spec, guidance=1.0))
    layers.next_step()
    with torch.inference_mode():
        ours = layers(latents, torch.tensor(500), encoder_hidden_states=words)
        whole = model.parts.unet(latents, torch.tensor(500), encoder_hidden_states=words).sample

    assert torch.equal(ours, whole)


def test_whole_steps_equal_the_models_and_the_others_are_close(
    model: StableDiffusion, spec: RenderSpec
) -> None:
    unet, words = model.parts.unet, model.encode(replace(spec, guidance=1.0))
    latents = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(1))
    layers = DeepCache(unet, 2)

    @torch.inference_mode()
    def both(timestep: int) -> tuple[torch.Tensor, torch.Tensor]:
        layers.next_step()
        ours = layers(latents, torch.tensor(timestep), encoder_hidden_states=words)
        whole = unet(latents, torch.tensor(timestep), encoder_hidden_states=words).sample
        return ours, whole

    ours, whole = both(500)
    assert torch.equal(ours, whole)
    ours, whole = both(480)
    assert not torch.equal(ours, whole)
    assert (ours - whole).abs().mean() < 0.1 * whole.abs().mean()
    ours, whole = both(460)
    assert torch.equal(ours, whole)


def test_the_other_steps_run_only_the_outermost_layers(
    model: StableDiffusion, spec: RenderSpec
) -> None:
    unet = model.parts.unet
    runs: list[str] = []
    deep = (*unet.down_blocks[1:], unet.mid_block, *unet.up_blocks[:-1])
    hooks = [
        block.resnets[0].register_forward_hook(lambda *_: runs.append("deep")) for block in deep
    ]
    hooks += [
        block.resnets[0].register_forward_hook(lambda *_: runs.append("outer"))
        for block in (unet.down_blocks[0], unet.up_blocks[-1])
    ]
    try:
        drawn(model, replace(spec, acceleration=3))
    finally:
        for hook in hooks:
            hook.remove()

    assert runs.count("outer") == 2 * spec.steps
    assert runs.count("deep") == len(deep) * 2, "two of six steps are whole"


def test_the_same_seed_gives_the_same_picture_in_as_many_steps(
    model: StableDiffusion, spec: RenderSpec
) -> None:
    whole, _, _ = drawn(model, spec)
    quick, steps, _ = drawn(model, replace(spec, acceleration=2))
    again, _, _ = drawn(model, replace(spec, acceleration=2))

    assert [step.number for step in steps] == [1, 2, 3, 4, 5, 6]
    assert torch.equal(quick, again)
    assert not torch.equal(quick, whole)


def test_with_a_usual_number_of_steps_the_picture_is_close_to_the_unaccelerated_one(
    model: StableDiffusion, spec: RenderSpec
) -> None:
    usual = replace(spec, steps=24)
    whole, _, _ = drawn(model, usual)
    quick, _, _ = drawn(model, replace(usual, acceleration=2))
    other, _, _ = drawn(model, replace(usual, seed=8))

    assert (quick - whole).abs().mean() < 0.3 * (other - whole).abs().mean()


def test_the_model_is_unchanged_afterwards(model: StableDiffusion, spec: RenderSpec) -> None:
    before, _, _ = drawn(model, spec)
    drawn(model, replace(spec, acceleration=2))

    class Left(Exception):
        """Raised by the worker in the middle of a step."""

    def leave() -> None:
        raise Left

    with pytest.raises(Left), model.asking(leave):
        drawn(model, replace(spec, acceleration=2))
    after, _, _ = drawn(model, spec)

    assert torch.equal(before, after)


@pytest.mark.parametrize("acceleration", [2, 3])
def test_it_can_be_saved_before_whole_steps_and_resumes_bit_identically(
    acceleration: int, model: StableDiffusion, spec: RenderSpec
) -> None:
    quick = replace(spec, acceleration=acceleration)
    whole, _, states = drawn(model, quick)

    assert [state.done for state in states] == list(range(acceleration, 7, acceleration))
    for state in states:
        resumed, _, _ = drawn(model, quick, resume=state)
        assert torch.equal(resumed, whole)


def test_each_window_of_a_clip_has_its_own_cache(toon_files: ModelFiles, spec: RenderSpec) -> None:
    files = ModelFiles("toon-motion", "animatediff", MOTION, "1" * 64, base=toon_files)
    model = load(files, CPU, torch.float32)
    clip = replace(
        spec, type="video", model="toon-motion", frames=20, fps=8.0, steps=4, width=64, height=64
    )

    def latents(
        acceleration: int, resume: LoopState | None = None
    ) -> tuple[torch.Tensor, list[LoopState]]:
        states: list[LoopState] = []
        accelerated = replace(clip, acceleration=acceleration)

        def on_step(step: Step) -> None:
            if step.finished and step.save is not None:
                states.append(step.save())

        found = model.denoise(accelerated, model.encode(accelerated, ()), on_step, None, resume)
        return found, states

    whole, _ = latents(1)
    quick, states = latents(2)
    resumed, _ = latents(2, states[0])

    assert [state.done for state in states] == [2, 4]
    assert torch.equal(resumed, quick)
    assert not torch.equal(quick, whole)
