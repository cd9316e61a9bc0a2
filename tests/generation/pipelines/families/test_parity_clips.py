"""A clip of one window equals the clip of diffusers' own AnimateDiffPipeline exactly."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from diffusers import AnimateDiffPipeline, MotionAdapter, StableDiffusionPipeline
from PIL import Image

from generation.errors import WorkerStopping
from generation.pipelines.families.animate_diff.pipeline import AnimateDiff
from generation.pipelines.loop.step import Step
from generation.pipelines.model_files import ModelFiles
from generation.pipelines.registry import family
from generation.specs import RenderSpec

FRAMES = 4
SCHEDULERS = [
    "",
    "DDIMScheduler",
    "DPMSolverMultistepScheduler",
    "EulerAncestralDiscreteScheduler",
    "EulerDiscreteScheduler",
    "HeunDiscreteScheduler",
    "LCMScheduler",
    "PNDMScheduler",
    "UniPCMultistepScheduler",
]


@pytest.fixture(scope="module")
def adapter_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter of the demo model's shape whose motion modules do change the frames."""
    torch.manual_seed(7)
    adapter = MotionAdapter(
        block_out_channels=(64, 128, 192),
        motion_layers_per_block=1,
        motion_mid_block_layers_per_block=1,
        motion_num_attention_heads=4,
        motion_norm_num_groups=16,
        motion_max_seq_length=32,
    )
    for name, weight in adapter.named_parameters():
        if "proj_out" in name:
            torch.nn.init.normal_(weight, std=0.05)
    folder = tmp_path_factory.mktemp("adapter")
    adapter.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def ours(adapter_folder: Path, toon_folder: Path) -> AnimateDiff:
    base = ModelFiles("toon", "stable-diffusion", toon_folder, "0")
    files = ModelFiles("motion", "animatediff", adapter_folder, "1", base)
    return AnimateDiff(files, torch.device("cpu"), torch.float32)


@pytest.fixture(scope="module")
def stock(adapter_folder: Path, toon_folder: Path) -> Any:
    base = StableDiffusionPipeline.from_pretrained(
        toon_folder, dtype=torch.float32, safety_checker=None, local_files_only=True
    )
    pipeline = AnimateDiffPipeline(
        vae=base.vae,
        text_encoder=base.text_encoder,
        tokenizer=base.tokenizer,
        unet=base.unet,
        motion_adapter=MotionAdapter.from_pretrained(adapter_folder),
        scheduler=base.scheduler,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture
def clip(spec: RenderSpec) -> RenderSpec:
    return replace(spec, type="video", model="motion", frames=FRAMES, fps=8, steps=4)


def of_stock(stock: Any, spec: RenderSpec) -> torch.Tensor:
    own = stock.scheduler
    if spec.scheduler:
        stock.scheduler = getattr(diffusers, spec.scheduler).from_config(own.config)
    try:
        latents: torch.Tensor = stock(
            prompt=spec.prompt,
            negative_prompt=spec.negative_prompt,
            num_frames=spec.frames,
            width=spec.width,
            height=spec.height,
            num_inference_steps=spec.steps,
            guidance_scale=spec.guidance,
            generator=torch.Generator().manual_seed(spec.seed),
            output_type="latent",
        ).frames
        return latents
    finally:
        stock.scheduler = own


@pytest.mark.parametrize("guidance", [1.0, 4.0], ids=["unguided", "guided"])
@pytest.mark.parametrize("scheduler", SCHEDULERS, ids=lambda name: name or "own")
def test_every_latent_is_the_same(
    ours: AnimateDiff, stock: Any, clip: RenderSpec, scheduler: str, guidance: float
) -> None:
    wanted = replace(clip, scheduler=scheduler, guidance=guidance)
    made = ours.denoise(wanted, ours.encode(wanted), lambda _: None)
    assert torch.equal(made, of_stock(stock, wanted))


def test_the_frames_differ_from_one_another(ours: AnimateDiff, clip: RenderSpec) -> None:
    made = ours.denoise(clip, ours.encode(clip), lambda _: None)
    assert (made[:, :, 0] - made[:, :, 1]).abs().mean() > 0.01


def test_a_clip_begins_with_the_given_picture(ours: AnimateDiff, clip: RenderSpec) -> None:
    begun = replace(clip, strength=0.5)
    first = next(ours.decode(ours.denoise(clip, ours.encode(clip), lambda _: None)))
    steps: list[tuple[int, int]] = []
    made = ours.denoise(
        begun, ours.encode(begun), lambda step: steps.append((step.number, step.total)), first
    )
    given = ours._encode_pictures(ours.parts.image_processor.preprocess(first))
    assert torch.equal(made[:, :, 0], given)
    assert not torch.equal(made[:, :, 1], given)
    assert steps == [(1, 2), (2, 2)]


@pytest.mark.parametrize("scheduler", SCHEDULERS, ids=lambda name: name or "own")
def test_every_scheduler_can_begin_with_a_picture(
    ours: AnimateDiff, clip: RenderSpec, scheduler: str
) -> None:
    begun = replace(clip, scheduler=scheduler, strength=0.5, steps=8)
    flat = Image.new("RGB", (begun.width, begun.height), (200, 80, 60))
    made = ours.denoise(begun, ours.encode(begun), lambda _: None, flat)
    # Every frame kept the given picture's colour: no frame began as noise of another scale.
    assert made.isfinite().all()
    assert made.std() < 4.0


def test_long_clips_count_their_windows(ours: AnimateDiff, clip: RenderSpec) -> None:
    long = replace(clip, frames=10, context_frames=4, steps=2)
    reported: list[tuple[int, int, int, bool]] = []
    made = ours.denoise(
        long,
        ours.encode(long),
        lambda step: reported.append(
            (step.number, step.window, step.windows, step.clean is not None)
        ),
    )
    assert made.shape[2] == 10
    assert reported == [
        (0, 1, 3, False),
        (0, 2, 3, False),
        (1, 3, 3, True),
        (1, 1, 3, False),
        (1, 2, 3, False),
        (2, 3, 3, True),
    ]


def test_an_exception_in_a_window_ends_the_loop(ours: AnimateDiff, clip: RenderSpec) -> None:
    class Stop(Exception):
        pass

    def stop(_: object) -> None:
        raise Stop

    long = replace(clip, frames=10, context_frames=4)
    with pytest.raises(Stop):
        ours.denoise(long, ours.encode(long), stop)


def test_an_adapter_needs_its_base(adapter_folder: Path) -> None:
    from generation.errors import ModelUnreadable

    files = ModelFiles("motion", "animatediff", adapter_folder, "1")
    with pytest.raises(ModelUnreadable, match="no model to animate"):
        AnimateDiff(files, torch.device("cpu"), torch.float32)


def test_an_adapter_of_another_shape_is_refused(toon_folder: Path, tmp_path: Path) -> None:
    from generation.errors import ModelUnreadable

    MotionAdapter(
        block_out_channels=(32, 64),
        motion_layers_per_block=1,
        motion_num_attention_heads=4,
        motion_norm_num_groups=16,
    ).save_pretrained(tmp_path)
    base = ModelFiles("toon", "stable-diffusion", toon_folder, "0")
    files = ModelFiles("motion", "animatediff", tmp_path, "1", base)
    with pytest.raises(ModelUnreadable, match="does not fit toon"):
        AnimateDiff(files, torch.device("cpu"), torch.float32)


@pytest.mark.parametrize("scheduler", SCHEDULERS, ids=lambda name: name or "own")
@pytest.mark.parametrize("begun", [False, True], ids=["from noise", "from a picture"])
@pytest.mark.parametrize("frames", [4, 6], ids=["one window", "several windows"])
def test_a_clip_resumed_at_any_step_has_the_same_latents(
    ours: AnimateDiff, clip: RenderSpec, scheduler: str, begun: bool, frames: int
) -> None:
    changed = replace(
        clip,
        scheduler=scheduler,
        width=64,
        height=64,
        frames=frames,
        context_frames=4,
        strength=0.5 if begun else 1.0,
    )
    picture = Image.new("RGB", (64, 64), (200, 80, 60)) if begun else None
    words, states, total = ours.encode(changed), [], changed.denoising_steps

    def keep(step: Step) -> None:
        assert (step.save is not None) == step.finished
        if step.save is not None:
            states.append(step.save())

    undisturbed = ours.denoise(changed, words, keep, picture)

    assert len(states) == total
    for state in (states[0], states[-2], states[-1]):
        reported: list[int] = []
        resumed = ours.denoise(
            changed,
            words,
            lambda step, reported=reported: reported.append(step.number),
            picture,
            state,
        )
        assert torch.equal(resumed, undisturbed)
        # The first report between windows has the number of finished steps, as without a resume.
        first = state.number if frames > 4 else state.number + 1
        assert sorted(set(reported)) == list(
            range(first, total + 1) if state.number < total else []
        )


def test_a_clip_interrupted_between_two_windows_resumes_at_its_last_whole_step(
    ours: AnimateDiff, clip: RenderSpec
) -> None:
    long = replace(clip, frames=10, context_frames=4, width=64, height=64)
    words, held = ours.encode(long), []
    undisturbed = ours.denoise(long, words, lambda _: None)

    def stop(step: Step) -> None:
        if step.save is not None:
            held.append(step.save)
        if (step.number, step.window) == (2, 1):
            raise WorkerStopping

    with pytest.raises(WorkerStopping):
        ours.denoise(long, words, stop)
    state = held[-1]()

    assert (state.number, state.done) == (2, 2)
    assert torch.equal(ours.denoise(long, words, lambda _: None, resume=state), undisturbed)


def test_clips_are_not_batched(ours: AnimateDiff, clip: RenderSpec) -> None:
    assert not family(ours.files.family).batches
    with pytest.raises(NotImplementedError):
        ours.denoise_batch([clip], [ours.encode(clip)], lambda _: None)
