"""AnimateDiff: a motion adapter over a Stable Diffusion 1.x model makes clips.

Guo et al. 2024, "AnimateDiff". The model's parts are loaded as for pictures, then its UNet gets
the adapter's motion modules. Our loop denoises all frames together, and long clips in windows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from diffusers import MotionAdapter
from diffusers.models import UNetMotionModel
from PIL import Image

from generation.errors import ModelMissing, ModelUnreadable
from generation.pipelines.base import Check
from generation.pipelines.families.stable_diffusion.pipeline import StableDiffusion
from generation.pipelines.loading import read_ahead, unreadable_as
from generation.pipelines.loop import window_plan, windows
from generation.pipelines.loop.deep_cache import DeepCache
from generation.pipelines.loop.denoise import Given, build_scheduler, denoise
from generation.pipelines.loop.step import LoopState, OnBatchStep, OnStep, Step
from generation.pipelines.model_files import ModelFiles, variant_of
from generation.specs import RenderSpec


class AnimateDiff(StableDiffusion):
    """A Stable Diffusion model whose UNet sees several frames at once."""

    def __init__(
        self,
        files: ModelFiles,
        device: torch.device,
        dtype: torch.dtype,
        check: Check = lambda: None,
    ) -> None:
        """Load `files.base` and the adapter in `files.folder`. Raises like StableDiffusion."""
        if files.base is None:
            raise ModelUnreadable(
                f"The motion adapter {files.slug} has no model to animate.",
                "Choose its base model on the adapter's page in the admin site.",
            )
        super().__init__(files.base, device, dtype, check)
        adapter = _load_adapter(files, dtype, check)
        check()
        unet_bytes = sum(weight.nbytes for weight in self.parts.unet.parameters())
        with unreadable_as(
            ModelUnreadable,
            f"The motion adapter {files.slug} does not fit {files.base.slug}",
            "Choose a base model of the kind that the adapter was trained for.",
        ):
            unet = UNetMotionModel.from_unet2d(self.parts.unet, adapter)
        check()
        self.files = files
        self.parts.unet = unet.to(device, dtype).eval()
        self.nbytes += sum(weight.nbytes for weight in unet.parameters()) - unet_bytes

    @torch.inference_mode()
    def denoise(
        self,
        spec: RenderSpec,
        conditioning: torch.Tensor,
        on_step: OnStep,
        first_frame: Image.Image | None = None,
        resume: LoopState | None = None,
    ) -> torch.Tensor:
        """See Pipeline. Latents (1, C, frames, H/8, W/8)."""
        generator = torch.Generator().manual_seed(spec.seed)
        noise = self._clip_noise(spec, generator, conditioning.dtype)
        parts = window_plan.split(spec.frames, spec.context_frames, loop=spec.loop)
        steps = resume.number if resume else 0
        reporter = _WindowReporter(len(parts), spec.denoising_steps, on_step, steps)
        # Each frame of a window reads the prompt, so its embeddings are repeated for all of them.
        words = conditioning.repeat_interleave(len(parts[0]), dim=0)

        layers = DeepCache(self.parts.unet, spec.acceleration, resume.done if resume else 0)

        def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
            layers.next_step()
            return windows.predict_in(
                parts,
                latents,
                lambda window: layers(window, timestep, encoder_hidden_states=words),
                reporter.on_window,
            )

        return denoise(
            predict,
            build_scheduler(self.parts.scheduler, spec.scheduler),
            noise,
            steps=spec.steps,
            guidance=spec.guidance if self._is_guided(spec) else 1.0,
            generator=generator,
            on_step=reporter.on_step,
            given=self._given(spec, first_frame, noise) if first_frame else None,
            resume=resume,
            saves_every=spec.acceleration,
        )

    def denoise_batch(
        self,
        specs: Sequence[RenderSpec],
        conditionings: Sequence[torch.Tensor],
        on_step: OnBatchStep,
    ) -> torch.Tensor:
        """See Pipeline. Not implemented: a clip's frames already are a batch."""
        raise NotImplementedError("clips are denoised one by one")

    def decode(self, latents: torch.Tensor) -> Iterator[Image.Image]:
        """See Pipeline."""
        yield from super().decode(latents[0].transpose(0, 1))

    def preview(self, latents: torch.Tensor) -> Image.Image:
        """See Pipeline. Shows the frame in the middle."""
        return super().preview(latents[:, :, latents.shape[2] // 2])

    def _clip_noise(
        self, spec: RenderSpec, generator: torch.Generator, dtype: torch.dtype
    ) -> torch.Tensor:
        context = min(spec.frames, spec.context_frames)
        noise = self._noise(spec, (context,), [generator], dtype)
        return windows.shared_noise(noise, spec.frames, generator)

    def _given(self, spec: RenderSpec, first_frame: Image.Image, noise: torch.Tensor) -> Given:
        pixels = self.parts.image_processor.preprocess(
            first_frame, height=spec.height, width=spec.width
        )
        latents = self._encode_pictures(pixels.to(noise))
        return Given(latents[:, :, None], spec.steps - spec.denoising_steps)


class _WindowReporter:
    """Reports each window inside a step, and the step when its last window is done."""

    def __init__(self, count: int, total: int, on_step: OnStep, steps: int) -> None:
        self._count, self._total, self._on_step = count, total, on_step
        self._steps = steps

    def on_window(self, number: int) -> None:
        if number < self._count:
            self._on_step(Step(self._steps, self._total, None, number, self._count))

    def on_step(self, step: Step) -> None:
        self._steps = step.number
        self._on_step(replace(step, window=self._count, windows=self._count))


def _load_adapter(files: ModelFiles, dtype: torch.dtype, check: Check) -> MotionAdapter:
    """Load the adapter, from safetensors only. Raises ModelMissing or ModelUnreadable."""
    if not (files.folder / "config.json").is_file():
        raise ModelMissing(f"The folder of {files.slug} holds no config.json.")
    with unreadable_as(ModelUnreadable, f"{files.slug} cannot be loaded"):
        read_ahead(files.folder, check)
        return MotionAdapter.from_pretrained(
            files.folder,
            torch_dtype=dtype,
            use_safetensors=True,
            local_files_only=True,
            variant=variant_of(files.folder),
        )
