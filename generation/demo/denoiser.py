"""Training of the demo model's denoiser: a small UNet and its text encoder, trained together.

The noise schedule ends in pure noise (zero terminal signal-to-noise ratio) and v is predicted: at
256 pixels the usual schedule leaks the picture's mean colour, which is not there when sampling, and
backgrounds come out grey. All schedules depend on the step alone, so a run can be stopped and
resumed at any step.
"""

from __future__ import annotations

import math
import os
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from generation.demo.latents import SIZES, LatentSet, load_latents
from generation.demo.portraits import Portrait, seeded_source, training_caption
from generation.demo.tokenizer import MAX_TOKENS
from generation.demo.training_progress import Progress
from generation.demo.words import WordLoss

CHANNELS = (64, 128, 192)
TEXT_WIDTH = 128
TRAIN_TIMESTEPS = 1000
NOISE_SCHEDULE: dict[str, Any] = {
    "num_train_timesteps": TRAIN_TIMESTEPS,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "prediction_type": "v_prediction",
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
}


@dataclass(frozen=True)
class DenoiserTraining:
    """Settings of one training run.

    ``batch`` counts pictures of 128 pixels; batches of 256 pixels hold a quarter as many, which
    costs the same. The share of 256-pixel batches grows from ``large_first`` to ``large_last`` over
    the first half of the steps. The learning rate is constant for the first half, then falls as a
    cosine.
    """

    steps: int = 6000
    batch: int = 48
    learning_rate: float = 1e-3
    large_first: float = 0.3
    large_last: float = 0.8
    dropping_first: float = 0.25
    dropping_last: float = 0.08
    word_weight: float = 0.05
    average_decay: float = 0.998
    checkpoint_every: int = 150
    seed: int = 3

    def learning_rate_at(self, step: int) -> float:
        """The learning rate at a step: a short warm-up, a plateau, then a cosine down to 1 %."""
        rise = min(1.0, (step + 1) / 60)
        fall = max(0.0, 2 * step / self.steps - 1)
        return self.learning_rate * rise * (0.01 + 0.99 * (1 + math.cos(math.pi * fall)) / 2)

    def share_of_large_at(self, step: int) -> float:
        """The probability that a step trains on 256 pixels."""
        done = min(1.0, 2 * step / self.steps)
        return self.large_first + (self.large_last - self.large_first) * done

    def dropping_at(self, step: int) -> float:
        """The share of captions with parts left out; smaller in the second half."""
        return self.dropping_first if 2 * step < self.steps else self.dropping_last


def new_unet() -> UNet2DConditionModel:
    """An untrained UNet of 10.9 million weights with attention on the two lower levels only."""
    return UNet2DConditionModel(
        sample_size=32,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=CHANNELS,
        layers_per_block=1,
        cross_attention_dim=TEXT_WIDTH,
        attention_head_dim=4,
        norm_num_groups=16,
    )


def new_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """An untrained text encoder of 0.6 million weights for the tokenizer's vocabulary."""
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=TEXT_WIDTH,
        intermediate_size=384,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=48,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    return CLIPTextModel(config)


def place_weights(height: int, width: int) -> Tensor:
    """Weights (height, width) of the loss with a mean of one: the face counts four times as much.

    Eyes, glasses and ribbons are named in the caption but small; without the weights the many
    background cells dominate and these details are learned last. The weights do not change the
    optimal prediction of a cell.
    """
    down = ((torch.arange(height) + 0.5) / height - 0.48) / 0.27
    across = ((torch.arange(width) + 0.5) / width - 0.5) / 0.2
    weights = 1 + 3 * torch.exp(-0.5 * (down[:, None] ** 2 + across[None, :] ** 2))
    return weights / weights.mean()


class Denoiser:
    """A UNet, its text encoder and the moving average of their weights, in training."""

    def __init__(
        self,
        tokenizer: CLIPTokenizer,
        unet: UNet2DConditionModel,
        text_encoder: CLIPTextModel,
        settings: DenoiserTraining,
        device: str = "cpu",
    ) -> None:
        self.tokenizer = tokenizer
        self.unet = cast(Any, unet).to(device, memory_format=torch.channels_last).train()
        self.text_encoder = cast(Any, text_encoder).to(device).train()
        self.settings = settings
        self.device = device
        self.step = 0
        self.weights: list[Tensor] = [*self.unet.parameters(), *self.text_encoder.parameters()]
        self.average = [weight.detach().clone() for weight in self.weights]
        self.optimiser = torch.optim.AdamW(
            self.weights,
            settings.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=1e-2,
            fused=True,
        )
        self.word_loss = WordLoss(tokenizer, TEXT_WIDTH).to(device)
        self.noise_schedule = DDIMScheduler(clip_sample=False, **NOISE_SCHEDULE)

    def train(self, latents_folder: Path, checkpoint: Path, until: int | None = None) -> float:
        """Train from the current step to the last, or to ``until``; returns the mean loss.

        Saves to ``checkpoint`` periodically and at the end. Every step has its own random seed, so
        a resumed run equals an uninterrupted one. Raises FileNotFoundError if the folder lacks
        latents of 128 or 256 pixels.
        """
        small, large = (load_latents(latents_folder, size) for size in SIZES)
        last = self.settings.steps if until is None else until
        progress = Progress("denoiser", last, self.step)
        while self.step < last:
            source = seeded_source(self.settings.seed * 1_000_003 + self.step)
            use_large = source.random() < self.settings.share_of_large_at(self.step)
            loss = self._train_step(large if use_large else small, use_large, source)
            self.step += 1
            progress.report(self.step, loss)
            if self.step % self.settings.checkpoint_every == 0:
                self.save_checkpoint(checkpoint)
        self.save_checkpoint(checkpoint)
        return progress.mean

    def _train_step(self, pictures: LatentSet, use_large: bool, source: random.Random) -> float:
        count = max(1, self.settings.batch // 4) if use_large else self.settings.batch
        chosen = [source.randrange(len(pictures)) for _ in range(count)]
        dropping = self.settings.dropping_at(self.step)
        captions = [training_caption(pictures.portraits[i], source, dropping) for i in chosen]
        torch.manual_seed(source.getrandbits(48))
        portraits = [pictures.portraits[i] for i in chosen]
        loss = self._loss(pictures.latents[chosen].float(), captions, portraits)
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.weights, 1.0)
        for group in self.optimiser.param_groups:
            group["lr"] = self.settings.learning_rate_at(self.step)
        self.optimiser.step()
        decay = min(self.settings.average_decay, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self.average, [weight.detach() for weight in self.weights], 1 - decay)
        return loss.item()

    def _loss(self, latents: Tensor, captions: list[str], portraits: list[Portrait]) -> Tensor:
        count = len(latents)
        # One timestep from each of ``count`` equal ranges reduces the variance of the gradients.
        places = (torch.randperm(count) + torch.rand(count)) / count
        timesteps = (places * TRAIN_TIMESTEPS).long()
        noise = torch.randn_like(latents)
        noised = self.noise_schedule.add_noise(latents, noise, timesteps)
        velocity = self.noise_schedule.get_velocity(latents, noise, timesteps).to(self.device)
        tokens = self.tokenizer(
            captions,
            padding="max_length",
            max_length=MAX_TOKENS,
            truncation=True,
            return_tensors="pt",
        ).input_ids.to(self.device)
        with torch.autocast(self.device, torch.bfloat16):
            states = self.text_encoder(tokens).last_hidden_state
            noised = noised.to(self.device, memory_format=torch.channels_last)
            predicted = self.unet(noised, timesteps.to(self.device), states).sample
        error = (predicted.float() - velocity).square()
        weighted = error * place_weights(*latents.shape[-2:]).to(self.device)
        return weighted.mean() + self.settings.word_weight * self.word_loss(
            states, tokens, portraits
        )

    def save_checkpoint(self, path: Path) -> None:
        """Write everything that ``load_checkpoint`` needs, replacing the old file atomically."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        state = {
            "step": self.step,
            "unet": self.unet.state_dict(),
            "text_encoder": self.text_encoder.state_dict(),
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
        }
        torch.save(state, partial)
        os.replace(partial, path)

    def load_checkpoint(self, path: Path) -> None:
        """Restore a saved run. Raises FileNotFoundError if there is no such file."""
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.unet.load_state_dict(state["unet"])
        self.text_encoder.load_state_dict(state["text_encoder"])
        self.optimiser.load_state_dict(state["optimiser"])
        torch._foreach_copy_(self.average, state["average"])
        self.step = int(state["step"])

    def use_average(self) -> None:
        """Replace the weights by their moving average, which is exported."""
        with torch.no_grad():
            torch._foreach_copy_(self.weights, self.average)
