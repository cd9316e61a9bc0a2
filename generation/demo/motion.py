"""Training of the demo model's motion adapter: temporal layers between the layers of a frozen UNet.

The adapter is trained on windows of 16 latents of rendered clips. Each frame has its own noise, as
in diffusers' AnimateDiffPipeline. The base model is not changed, and its noise schedule is used.
All schedules depend on the step alone, so a run can be stopped and resumed at any step.
"""

from __future__ import annotations

import math
import os
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from diffusers import DDIMScheduler, MotionAdapter, StableDiffusionPipeline, UNetMotionModel
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from generation.demo.denoiser import place_weights
from generation.demo.latents import SIZES, LatentSet, load_latents
from generation.demo.portraits import seeded_source, training_caption
from generation.demo.training_progress import Progress

# Fractional part of the golden ratio. Its multiples modulo 1 are more even than random numbers.
EVEN_STRIDE = (math.sqrt(5) - 1) / 2

# Frame distances of the change loss: 1 catches flicker, 4 and 8 catch motion.
CHANGES = (1, 4, 8)

# Largest extra weight of moving places: eyes and mouths are small. A still place has weight 1.
MOST_MOVING = 16.0


@dataclass(frozen=True)
class MotionTraining:
    """Settings of one training run.

    ``batch`` counts clips of 128 pixels; batches of 256 pixels hold a quarter as many, one at
    least. In the second half of the steps, the share of 256-pixel batches grows from
    ``large_first`` to ``large_last`` and the learning rate falls as a cosine. ``change_weight`` is
    the weight of the error of the changes between frames, relative to the error of the frames.
    """

    steps: int = 3000
    batch: int = 2
    learning_rate: float = 1e-3
    large_first: float = 0.35
    large_last: float = 0.9
    dropping: float = 0.1
    change_weight: float = 2.0
    average_decay: float = 0.995
    checkpoint_every: int = 100
    seed: int = 7

    def learning_rate_at(self, step: int) -> float:
        """The learning rate at a step: a warm-up, a plateau, then a cosine down to 1 %."""
        rise = min(1.0, (step + 1) / 100)
        fall = max(0.0, 2 * step / self.steps - 1)
        return self.learning_rate * rise * (0.01 + 0.99 * (1 + math.cos(math.pi * fall)) / 2)

    def share_of_large_at(self, step: int) -> float:
        """The probability that a step trains on 256 pixels."""
        done = max(0.0, 2 * step / self.steps - 1)
        return self.large_first + (self.large_last - self.large_first) * done


def new_adapter(channels: tuple[int, ...]) -> MotionAdapter:
    """A motion adapter for a UNet of these widths that has no effect until it is trained.

    Every temporal layer adds its output to its input, and that output is initialised to zero, as in
    AnimateDiff (Guo et al. 2023, arXiv:2307.04725, section 4.2).
    """
    adapter = MotionAdapter(
        block_out_channels=channels,
        motion_layers_per_block=1,
        motion_mid_block_layers_per_block=1,
        motion_num_attention_heads=4,
        motion_norm_num_groups=16,
        motion_max_seq_length=32,
    )
    for name, weight in adapter.named_parameters():
        if ".proj_out." in name:
            torch.nn.init.zeros_(weight)
    return adapter


def even_timesteps(first: int, count: int, total: int) -> Tensor:
    """Timesteps (count,): the elements from ``first`` on of an evenly spread sequence.

    The density of a timestep t is proportional to total / 2 + t, because the frames agree on one
    character and one motion in strong noise, which is the adapter's purpose.
    """
    places = torch.arange(first, first + count, dtype=torch.float64) * EVEN_STRIDE % 1
    return (((1 + 8 * places).sqrt() - 1) / 2 * total).long().clamp(max=total - 1)


def _error_of_changes(error: Tensor, latents: Tensor, apart: int) -> Tensor:
    """The weighted mean squared change of ``error`` between frames ``apart`` frames apart.

    Both tensors are (n, 4, frames, height, width). A still place has weight 1, because most flicker
    is in the background. To that is added, for a moving place, its change over the mean change.
    """
    moving = (latents[:, :, apart:] - latents[:, :, :-apart]).square().mean(dim=1, keepdim=True)
    weights = 1 + (moving / moving.mean().clamp(min=1e-6)).clamp(max=MOST_MOVING)
    return ((error[:, :, apart:] - error[:, :, :-apart]).square() * weights).mean()


class FullPrecisionAttention(TorchFunctionMode):
    """Computes attention in float32 within autocast.

    On a CPU the backward pass of attention over 16 frames takes four times as long in bfloat16,
    which would cancel the gain of autocast elsewhere.
    """

    def __init__(self, device: str) -> None:
        super().__init__()
        self.device = device

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func is not functional.scaled_dot_product_attention:
            return func(*args, **kwargs)
        with torch.autocast(self.device, enabled=False):
            return func(*(tensor.float() for tensor in args), **kwargs)


class Motion:
    """A frozen base model, a motion adapter in training and the moving average of its weights."""

    def __init__(self, base: Path, settings: MotionTraining, device: str = "cpu") -> None:
        """Load the base model from ``base``. Raises FileNotFoundError if there is none."""
        if not (base / "model_index.json").exists():
            raise FileNotFoundError(f"no model in {base}: the motion adapter is trained for one")
        loaded = StableDiffusionPipeline.from_pretrained(
            base, torch_dtype=torch.float32, local_files_only=True
        )
        pipeline = cast(Any, loaded).to(device)
        torch.manual_seed(settings.seed)
        self.channels = tuple(pipeline.unet.config.block_out_channels)
        unet = cast(Any, UNetMotionModel.from_unet2d(pipeline.unet, new_adapter(self.channels)))
        unet.freeze_unet2d_params()
        self.unet = unet.to(device, memory_format=torch.channels_last).train()
        self.tokenizer = pipeline.tokenizer
        self.text_encoder = pipeline.text_encoder.eval().requires_grad_(False)
        self.noise_schedule = DDIMScheduler.from_config(pipeline.scheduler.config)
        self.settings = settings
        self.device = device
        self.step = 0
        self.weights: list[Tensor] = [
            weight for weight in self.unet.parameters() if weight.requires_grad
        ]
        self.average = [weight.detach().clone() for weight in self.weights]
        self.optimiser = torch.optim.AdamW(
            self.weights, settings.learning_rate, betas=(0.9, 0.99), weight_decay=1e-2, fused=True
        )

    def train(self, clips_folder: Path, checkpoint: Path, until: int | None = None) -> float:
        """Train from the current step to the last, or to ``until``; returns the mean loss.

        Saves to ``checkpoint`` periodically and at the end. Every step has its own random seed, so
        a resumed run equals an uninterrupted one. Raises FileNotFoundError if the folder lacks
        clips of 128 or 256 pixels.
        """
        small, large = (load_latents(clips_folder, size) for size in SIZES)
        last = self.settings.steps if until is None else until
        progress = Progress("motion", last, self.step)
        while self.step < last:
            source = seeded_source(self.settings.seed * 1_000_003 + self.step)
            use_large = source.random() < self.settings.share_of_large_at(self.step)
            count = max(1, self.settings.batch // 4) if use_large else self.settings.batch
            loss = self._train_step(large if use_large else small, count, source)
            self.step += 1
            progress.report(self.step, loss)
            if self.step % self.settings.checkpoint_every == 0:
                self.save_checkpoint(checkpoint)
        self.save_checkpoint(checkpoint)
        return progress.mean

    def _train_step(self, clips: LatentSet, count: int, source: random.Random) -> float:
        chosen = [source.randrange(len(clips)) for _ in range(count)]
        dropping = self.settings.dropping
        captions = [training_caption(clips.portraits[i], source, dropping) for i in chosen]
        torch.manual_seed(source.getrandbits(48))
        timesteps = even_timesteps(
            self.step * self.settings.batch, count, self.noise_schedule.config.num_train_timesteps
        )
        loss = self.loss(clips.latents[chosen].float(), captions, timesteps)
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.weights, 1.0)
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.learning_rate_at(self.step)
        self.optimiser.step()
        decay = min(self.settings.average_decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self.average, [weight.detach() for weight in self.weights], 1 - decay)
        return loss.item()

    def loss(self, clips: Tensor, captions: list[str], timesteps: Tensor) -> Tensor:
        """The training loss: the weighted sum of the two ``errors``."""
        frames, changes = self.errors(clips, captions, timesteps)
        return frames + self.settings.change_weight * changes

    def errors(
        self, clips: Tensor, captions: list[str], timesteps: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The error of the predicted velocity and the error of its changes over CHANGES frames.

        ``clips`` are latents (n, frames, 4, height, width), captions and timesteps (n,). An error e
        of the velocity is an error of -sigma e of the clean latents, so the squared changes of e
        count in proportion to sigma^2.
        """
        latents = clips.transpose(1, 2).to(self.device)
        timesteps = timesteps.to(self.device)
        noise = torch.randn(latents.shape).to(self.device)
        noised = self.noise_schedule.add_noise(latents, noise, timesteps)
        velocity = self.noise_schedule.get_velocity(latents, noise, timesteps)
        states = self._states(captions).repeat_interleave(clips.shape[1], dim=0)
        with torch.autocast(self.device, torch.bfloat16), FullPrecisionAttention(self.device):
            predicted = self.unet(noised, timesteps, states).sample
        error = predicted.float() - velocity
        places = place_weights(*clips.shape[-2:]).to(self.device)
        sigma_squared = 1 - self.noise_schedule.alphas_cumprod.to(self.device)[timesteps]
        clean_error = sigma_squared.sqrt()[:, None, None, None, None] * error
        changes = [_error_of_changes(clean_error, latents, apart) for apart in CHANGES]
        return (error.square() * places).mean(), torch.stack(changes).mean()

    @torch.no_grad()
    def _states(self, captions: list[str]) -> Tensor:
        """The text encoder's last hidden states of the captions, (n, tokens, width)."""
        tokens = self.tokenizer(
            captions,
            padding="max_length",
            max_length=self.tokenizer.model_max_length,
            truncation=True,
            return_tensors="pt",
        ).input_ids.to(self.device)
        return cast(Tensor, self.text_encoder(tokens).last_hidden_state)

    def use_average(self) -> None:
        """Replace the weights by their moving average, which is exported."""
        with torch.no_grad():
            torch._foreach_copy_(self.weights, self.average)

    def trained_adapter(self) -> MotionAdapter:
        """The UNet's motion layers as a MotionAdapter."""
        adapter = new_adapter(self.channels)
        stored = self.unet.state_dict()
        adapter.load_state_dict({name: stored[name] for name in adapter.state_dict()})
        return adapter

    def save_checkpoint(self, path: Path) -> None:
        """Write everything that ``load_checkpoint`` needs, replacing the old file atomically."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        state = {
            "step": self.step,
            "weights": [weight.detach() for weight in self.weights],
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
        }
        torch.save(state, partial)
        os.replace(partial, path)

    def load_checkpoint(self, path: Path) -> None:
        """Restore a saved run. Raises FileNotFoundError if there is no such file."""
        state = torch.load(path, map_location=self.device, weights_only=True)
        with torch.no_grad():
            torch._foreach_copy_(self.weights, state["weights"])
            torch._foreach_copy_(self.average, state["average"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = int(state["step"])
