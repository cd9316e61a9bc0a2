"""A loaded Stable Diffusion model: diffusers' parts under our denoising loop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import torch
from diffusers.utils.torch_utils import randn_tensor
from PIL import Image

from generation.errors import ModelUnreadable, RenderError
from generation.pipelines.base import Check
from generation.pipelines.embeddings import EmbeddingCache
from generation.pipelines.families.stable_diffusion.loras import Loras
from generation.pipelines.families.stable_diffusion.parts import load_parts
from generation.pipelines.loading import unreadable_as
from generation.pipelines.loop.deep_cache import DeepCache
from generation.pipelines.loop.denoise import build_scheduler, denoise
from generation.pipelines.loop.step import LoopState, OnBatchStep, OnStep, Step
from generation.pipelines.model_files import LoraFile, ModelFiles
from generation.pipelines.preview import LatentPreview
from generation.specs import RenderSpec


class StableDiffusion:
    """A loaded model. Its parts are diffusers' classes; only the denoising loop is ours."""

    def __init__(
        self,
        files: ModelFiles,
        device: torch.device,
        dtype: torch.dtype,
        check: Check = lambda: None,
    ) -> None:
        """Load from `files.folder`. Raises ModelMissing, ModelUnreadable, or as `check` does."""
        self.files = files
        self.device = device
        self.parts = load_parts(files, device, dtype, check)
        self.nbytes = sum(
            weight.numel() * weight.element_size()
            for part in (self.parts.unet, self.parts.vae, self.parts.text_encoder)
            for weight in part.parameters()
        )
        self._embeddings = EmbeddingCache()
        self._loras = Loras(self.parts)
        like = torch.empty(0, device=device, dtype=dtype)

        def encode(pictures: torch.Tensor) -> torch.Tensor:
            check()
            return self._encode_pictures(pictures)

        unreadable = unreadable_as(ModelUnreadable, f"{files.slug} cannot be loaded")
        with unreadable, torch.inference_mode():
            self._preview = LatentPreview.for_model(files.folder, encode, like)

    def encode(self, spec: RenderSpec, loras: tuple[LoraFile, ...] = ()) -> torch.Tensor:
        """See Pipeline. The result is cached for the same texts with the same LoRAs.

        With guidance the negative comes first: (2, tokens, width), else (1, tokens, width).
        """
        self._loras.use(loras, self.files.slug)
        key = (spec.prompt, spec.negative_prompt, spec.guided, loras)
        return self._embeddings.get(key, lambda: self._encode_prompt(spec))

    def denoise(
        self,
        spec: RenderSpec,
        conditioning: torch.Tensor,
        on_step: OnStep,
        first_frame: Image.Image | None = None,
        resume: LoopState | None = None,
    ) -> torch.Tensor:
        """See Pipeline. `first_frame` must be None: single pictures do not begin with one."""
        return self._denoise([spec], [conditioning], on_step, resume)

    def denoise_batch(
        self,
        specs: Sequence[RenderSpec],
        conditionings: Sequence[torch.Tensor],
        on_step: OnBatchStep,
    ) -> torch.Tensor:
        """See Pipeline."""
        if any(not _fit_one_batch(specs[0], spec) for spec in specs):
            raise ValueError("specs of one batch differ only in their texts, seed and quality")
        return self._denoise(specs, conditionings, on_step)

    @torch.inference_mode()
    def _denoise(
        self,
        specs: Sequence[RenderSpec],
        conditionings: Sequence[torch.Tensor],
        on_step: OnBatchStep,
        resume: LoopState | None = None,
    ) -> torch.Tensor:
        spec = specs[0]
        layers = DeepCache(self.parts.unet, spec.acceleration, resume.done if resume else 0)
        generators = [torch.Generator().manual_seed(spec.seed) for spec in specs]
        # Shape (negative and positive, B, tokens, width): the model's input has negatives first.
        words = torch.stack(list(conditionings), dim=1)
        guidance_embedding = self._guidance_embedding(spec, words.dtype)

        def predict(latents: torch.Tensor, timestep: torch.Tensor) -> torch.Tensor:
            layers.next_step()
            return layers(
                latents,
                timestep,
                encoder_hidden_states=words.flatten(0, 1),
                timestep_cond=guidance_embedding,
            )

        def after_step(step: Step) -> Sequence[int] | None:
            nonlocal words
            rows = on_step(step)
            if rows is not None:
                words = words[:, list(rows)]
            return rows

        return denoise(
            predict,
            build_scheduler(self.parts.scheduler, spec.scheduler),
            self._noise(spec, (), generators, words.dtype),
            steps=spec.steps,
            guidance=spec.guidance if self._is_guided(spec) else 1.0,
            generator=generators,
            on_step=after_step,
            resume=resume,
            saves_every=spec.acceleration,
        )

    @contextmanager
    def asking(self, check: Check) -> Iterator[None]:
        """See Pipeline."""
        unet = self.parts.unet
        blocks = (*unet.down_blocks, unet.mid_block, *unet.up_blocks)
        hooks = [
            block.register_forward_pre_hook(lambda *_: check())
            for block in blocks
            if block is not None
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def decode(self, latents: torch.Tensor) -> Iterator[Image.Image]:
        """See Pipeline. Latents (B, C, h, w) give B pictures.

        Each is decoded alone: several together need more memory, are not faster, and arrive in
        bursts.
        """
        for frame in latents.split(1):
            yield self._decode_one(frame)

    @torch.inference_mode()
    def _decode_one(self, latents: torch.Tensor) -> Image.Image:
        vae = self.parts.vae
        pixels = vae.decode(latents / vae.config.scaling_factor, return_dict=False)[0]
        if not torch.isfinite(pixels).all():
            raise RenderError(
                "The decoder gave values that are no colours.",
                "Lower the guidance or choose another scheduler.",
            )
        picture: Image.Image = self.parts.image_processor.postprocess(pixels, output_type="pil")[0]
        return picture

    def preview(self, latents: torch.Tensor) -> Image.Image:
        """See Pipeline."""
        return self._preview.picture(latents)

    def _noise(
        self,
        spec: RenderSpec,
        frames: tuple[int, ...],
        generators: list[torch.Generator],
        dtype: torch.dtype,
    ) -> torch.Tensor:
        """Unit noise (B, C, *frames, h, w), each row from its own generator.

        It is drawn on the CPU so that a seed gives the same noise on every device.
        """
        channels, scale = self.parts.unet.config.in_channels, self.parts.vae_scale_factor
        size = (spec.height // scale, spec.width // scale)
        noise: torch.Tensor = randn_tensor(
            (len(generators), channels, *frames, *size),
            generator=generators,
            device=self.device,
            dtype=dtype,
        )
        return noise

    def _is_guided(self, spec: RenderSpec) -> bool:
        """Whether a second forward is needed. Distilled models take the guidance as an input."""
        return spec.guided and self.parts.unet.config.time_cond_proj_dim is None

    @torch.inference_mode()
    def _encode_prompt(self, spec: RenderSpec) -> torch.Tensor:
        guided = self._is_guided(spec)
        positive, negative = self.parts.encode_prompt(
            spec.prompt, self.device, 1, guided, spec.negative_prompt
        )
        return torch.cat([negative, positive]) if guided else positive

    def _guidance_embedding(self, spec: RenderSpec, dtype: torch.dtype) -> torch.Tensor | None:
        width = self.parts.unet.config.time_cond_proj_dim
        if width is None:
            return None
        embedding = self.parts.get_guidance_scale_embedding(
            torch.tensor([spec.guidance - 1.0]), embedding_dim=width
        )
        return embedding.to(self.device, dtype)

    def _encode_pictures(self, pictures: torch.Tensor) -> torch.Tensor:
        encoded = self.parts.vae.encode(pictures)
        latents = encoded.latents if hasattr(encoded, "latents") else encoded.latent_dist.mean
        scaled: torch.Tensor = latents * self.parts.vae.config.scaling_factor
        return scaled


def _fit_one_batch(first: RenderSpec, other: RenderSpec) -> bool:
    """True when the specs differ only in fields that one batch may mix."""
    return first == replace(
        other,
        prompt=first.prompt,
        negative_prompt=first.negative_prompt,
        seed=first.seed,
        quality=first.quality,
    )
