"""Cheap previews: a small map from latents to colours, fitted once for each autoencoder.

The latents of image autoencoders hold colour nearly linearly, at an eighth of the size. The map
uses the latents and some fixed random features of them, with weights fitted by least squares. It
takes well under a millisecond per picture and needs no table of constants for each family. A
model's folder may contain a map that was fitted on the model's own kind of pictures. Otherwise the
map is fitted on random discs of flat colour that the autoencoder has encoded.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file, save_file

FILE_NAME = "preview.safetensors"
FEATURES = 96
RIDGE = 1e-3
SHEETS, SHEET_PIXELS, DISCS = 6, 256, 60

Encode = Callable[[torch.Tensor], torch.Tensor]
"""Pictures (B, 3, H, W) in -1..1 to scaled latents (B, C, H/8, W/8)."""


class LatentPreview:
    """Colour of each latent pixel: features(latents) x weight (C + FEATURES + 1, 3)."""

    def __init__(self, weight: torch.Tensor) -> None:
        self.weight = weight

    @classmethod
    def for_model(cls, folder: Path, encode: Encode, like: torch.Tensor) -> LatentPreview:
        """The map in the model's folder, or one fitted on discs.

        The discs are encoded with the device and dtype of `like`.
        """
        if (folder / FILE_NAME).is_file():
            return cls(load_file(folder / FILE_NAME)["weight"].float())
        pictures = random_discs()
        latents = torch.cat([encode(sheet[None].to(like)) for sheet in pictures])
        return cls.fit(latents.float().cpu(), pictures)

    @classmethod
    def fit(cls, latents: torch.Tensor, pictures: torch.Tensor) -> LatentPreview:
        """Fit a map by least squares from latents (B, C, h, w) to pictures (B, 3, H, W).

        The pictures are first shrunk to h x w.
        """
        colours = torch.nn.functional.interpolate(pictures, size=latents.shape[-2:], mode="area")
        targets = colours.permute(0, 2, 3, 1).reshape(-1, 3)
        features = _features(latents)
        normal = features.T @ features + RIDGE * len(features) * torch.eye(features.shape[1])
        return cls(torch.linalg.solve(normal, features.T @ targets))

    def save(self, folder: Path) -> None:
        """Write the map to the file that `for_model` reads."""
        save_file({"weight": self.weight.contiguous()}, folder / FILE_NAME)

    def picture(self, latents: torch.Tensor) -> Image.Image:
        """The first row of the latents (B, C, h, w) as a picture of h x w pixels."""
        first = latents[:1].detach().float().cpu()
        colours = (_features(first) @ self.weight + 1.0) * 127.5
        height, width = first.shape[-2:]
        pixels = colours.clamp(0, 255).to(torch.uint8).reshape(height, width, 3)
        return Image.fromarray(pixels.numpy())


def _features(latents: torch.Tensor) -> torch.Tensor:
    """Latents (B, C, h, w) as rows (B*h*w, C + FEATURES + 1): values, random features, constant."""
    channels = latents.shape[1]
    rows = latents.permute(0, 2, 3, 1).reshape(-1, channels)
    generator = torch.Generator().manual_seed(channels)
    directions = torch.randn(channels, FEATURES, generator=generator) / channels**0.5
    offsets = torch.randn(FEATURES, generator=generator)
    random_features = torch.relu(rows @ directions + offsets)
    return torch.cat([rows, random_features, torch.ones(len(rows), 1)], dim=1)


def random_discs() -> torch.Tensor:
    """Pictures (SHEETS, 3, 256, 256) in -1..1 of overlapping discs, the same on every call."""
    generator = torch.Generator().manual_seed(0)
    axis = torch.arange(SHEET_PIXELS) / SHEET_PIXELS
    rows, columns = torch.meshgrid(axis, axis, indexing="ij")
    sheets = torch.rand(SHEETS, 3, 1, 1, generator=generator).repeat(1, 1, *rows.shape)
    for sheet in sheets:
        for _ in range(DISCS):
            x, y, size = torch.rand(3, generator=generator)
            inside = (columns - x) ** 2 + (rows - y) ** 2 < (0.04 + 0.3 * size**2) ** 2
            sheet[:, inside] = torch.rand(3, 1, generator=generator)
    return sheets * 2 - 1
