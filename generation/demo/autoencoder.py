"""Training of the demo model's autoencoder: pictures to latents of four channels, 8 times smaller.

An AutoencoderTiny is trained on 64-pixel crops of renders. The loss has two particulars. The error
of the 8-pixel averages has a large weight; without it, edges are sharp but colours are tinted.
Noise is added to the latents before decoding, so that small errors of the denoiser do not become
patches of colour.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from diffusers import AutoencoderTiny
from torch import Tensor
from torch.nn import functional

from generation.demo.portraits import (
    Portrait,
    Pose,
    random_portrait,
    random_pose,
    seeded_source,
)
from generation.demo.training_progress import Progress

WIDTH = 48
LATENT_CHANNELS = 4


@dataclass(frozen=True)
class AutoencoderTraining:
    """Settings of one training run.

    A batch holds crops of ``crop`` pixels, 128 at most. Before decoding, noise of a strength from
    0 to ``disturbance`` is added to a picture's latents. ``decoder_only`` freezes the encoder, so
    that the latents stay the same.
    """

    steps: int = 4300
    batch: int = 16
    crop: int = 64
    learning_rate: float = 2e-3
    disturbance: float = 0.15
    decoder_only: bool = False
    seed: int = 1


def new_autoencoder() -> AutoencoderTiny:
    """An untrained autoencoder; AutoencoderTiny needs the same width in all its stages."""
    widths = (WIDTH,) * 4
    return AutoencoderTiny(
        encoder_block_out_channels=widths,
        decoder_block_out_channels=widths,
        num_encoder_blocks=(1, 2, 2, 2),
        num_decoder_blocks=(2, 2, 2, 1),
        latent_channels=LATENT_CHANNELS,
    )


def load_autoencoder(folder: Path, device: str = "cpu") -> AutoencoderTiny:
    """Load an autoencoder in float32, whatever precision it is stored in."""
    model = AutoencoderTiny.from_pretrained(folder, torch_dtype=torch.float32)
    return cast(AutoencoderTiny, model.to(device))


def pictures_to_tensor(pictures: list[np.ndarray]) -> Tensor:
    """Stack RGB pictures of one size, (height, width, 3), 0 to 255.

    Returns a tensor of shape (n, 3, height, width) with values from -1 to 1.
    """
    stacked = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
    return stacked.float() / 127.5 - 1


def train_autoencoder(
    model: AutoencoderTiny, settings: AutoencoderTraining, device: str = "cpu"
) -> float:
    """Train in place and normalise the latents; returns the mean loss of the last 50 steps."""
    torch.manual_seed(settings.seed)
    model.to(device, memory_format=torch.channels_last).train()
    model.encoder.requires_grad_(not settings.decoder_only)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimiser = torch.optim.AdamW(weights, betas=(0.9, 0.99), weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=settings.steps, pct_start=0.1
    )
    crops = _crops(settings)
    progress = Progress("autoencoder", settings.steps)
    for step in range(settings.steps):
        pictures = next(crops).to(device, memory_format=torch.channels_last)
        with torch.autocast(device, torch.bfloat16):
            latents = model.encode(pictures).latents
            spread = settings.disturbance * torch.rand(len(latents), 1, 1, 1, device=device)
            decoded = model.decode(latents + spread * torch.randn_like(latents)).sample
        loss = reconstruction_loss(decoded.float(), pictures)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        schedule.step()
        progress.report(step + 1, loss.item())
    model.requires_grad_(True).eval()
    return progress.mean


def reconstruction_loss(decoded: Tensor, pictures: Tensor) -> Tensor:
    """The sum of absolute and squared errors: of pixels, of gradients and of 8-pixel averages."""
    error = decoded - pictures
    down, across = error.diff(dim=2).abs().mean(), error.diff(dim=3).abs().mean()
    colours = functional.avg_pool2d(error, 8)
    return (
        error.abs().mean()
        + error.square().mean()
        + 0.2 * (down + across)
        + 2.0 * colours.abs().mean()
        + 2.0 * colours.square().mean()
    )


def normalise_latents(model: AutoencoderTiny, latents: Tensor) -> None:
    """Scale every latent channel to zero mean and unit variance, measured on (n, 4, height, width).

    The change of the encoder's last layer is exact. That of the decoder's first layer is exact
    except for the clamp before it; a few steps of ``decoder_only`` training correct the difference.
    With one scale for all channels, noise would hide the colours, because the channels that hold
    them have a small variance.
    """
    mean = latents.mean((0, 2, 3))
    spread = latents.std((0, 2, 3))
    last, first = model.encoder.layers[-1], model.decoder.layers[0]
    with torch.no_grad():
        last.weight.div_(spread[:, None, None, None])
        last.bias.copy_((last.bias - mean) / spread)
        first.bias.add_((first.weight * mean[None, :, None, None]).sum((1, 2, 3)))
        first.weight.mul_(spread[None, :, None, None])


def _crops(settings: AutoencoderTraining) -> Iterator[Tensor]:
    """Batches of crops (batch, 3, crop, crop), more than half of them from around the face."""
    # Imported here because drawing needs skia, and loading an autoencoder doesn't.
    from generation.demo.drawing import draw

    source, crop = seeded_source(settings.seed), settings.crop
    while True:
        crops = []
        for _ in range(settings.batch):
            size = source.choice((128, 128, 256))
            picture = draw(*_varied(source), size)
            if source.random() < 0.25:
                picture = _recoloured(picture, source)
            edge, scale = size - crop, size // 128
            left, top = source.randint(0, edge), source.randint(0, edge)
            if source.random() < 0.6:
                left = min(edge, source.randint(16 * scale, 48 * scale))
                top = min(edge, source.randint(16 * scale, 64 * scale))
            crops.append(picture[top : top + crop, left : left + crop])
        yield pictures_to_tensor(crops)


def _varied(source: random.Random) -> tuple[Portrait, Pose]:
    return random_portrait(source, styled=0.3), random_pose(source)


def _recoloured(picture: np.ndarray, source: random.Random) -> np.ndarray:
    """Mix the colour channels at random, so that the latents hold any colour, not a fixed few."""
    mixing = np.eye(3) + np.array([[source.gauss(0, 0.25) for _ in range(3)] for _ in range(3)])
    shift = np.array([source.gauss(0, 20) for _ in range(3)])
    mixed = (picture.astype(np.float32) - 128) @ mixing.astype(np.float32) + 128 + shift
    return cast(np.ndarray, np.clip(mixed, 0, 255).astype(np.uint8))
