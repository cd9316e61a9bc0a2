"""The reader: a small network that classifies what a portrait shows, to check generated pictures.

It is trained on renders. Half of them are blurred, noised, slightly recoloured or passed through
the autoencoder, so that the reader judges the content of a generated picture and not its sharpness.
It works at 128 pixels and does not know picture styles.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Final

import torch
from diffusers import AutoencoderTiny
from numpy import ndarray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional

from generation.demo.autoencoder import pictures_to_tensor
from generation.demo.portraits import (
    ACCESSORIES,
    BACKGROUNDS,
    EXPRESSIONS,
    EYE_COLOURS,
    HAIR_COLOURS,
    HAIR_STYLES,
    Portrait,
    Pose,
    seeded_source,
    training_portraits,
)
from generation.demo.training_progress import Progress

READER_SIZE: Final = 128
# The possible words of each attribute of a Portrait, in the order of the network's outputs.
ATTRIBUTES: Final[dict[str, tuple[str, ...]]] = {
    "hair": tuple(HAIR_COLOURS),
    "background": tuple(BACKGROUNDS),
    "accessory": ACCESSORIES,
    "eyes": tuple(EYE_COLOURS),
    "expression": EXPRESSIONS,
    "hair_style": HAIR_STYLES,
}
STAGE_WIDTHS: Final = (24, 48, 96, 128, 128)
UNSEEN: Final = -100


@dataclass(frozen=True)
class ReaderTraining:
    """Settings of one training run; ``decoded`` pictures go through the autoencoder once."""

    steps: int = 700
    batch: int = 32
    decoded: int = 1200
    learning_rate: float = 3e-3
    seed: int = 11


class Reader(nn.Module):
    """A convolutional classifier with one output per attribute."""

    def __init__(self, widths: Sequence[int] = STAGE_WIDTHS) -> None:
        super().__init__()
        self.widths = tuple(widths)
        stages: list[nn.Module] = []
        channels = 3
        for width in self.widths:
            stages += [
                nn.Conv2d(channels, width, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(width),
                nn.ReLU(),
            ]
            channels = width
        self.stages = nn.Sequential(*stages)
        cells = (READER_SIZE >> len(self.widths)) ** 2
        self.outputs = nn.ModuleDict(
            {name: nn.Linear(channels * cells, len(words)) for name, words in ATTRIBUTES.items()}
        )

    def forward(self, pictures: Tensor) -> dict[str, Tensor]:
        """Scores (n, words) of every attribute for pictures (n, 3, 128, 128) from -1 to 1."""
        features = self.stages(pictures).flatten(1)
        return {name: output(features) for name, output in self.outputs.items()}

    @torch.inference_mode()
    def read(self, pictures: Sequence[ndarray]) -> list[dict[str, str]]:
        """The most probable word of every attribute for RGB pictures of one size, 128 or larger.

        Raises ValueError if the pictures aren't square or are smaller than 128 pixels.
        """
        height, width = pictures[0].shape[:2]
        if height != width or width < READER_SIZE:
            raise ValueError(f"the reader needs square pictures of 128 pixels or more, not {width}")
        self.eval()
        pixels = functional.interpolate(
            pictures_to_tensor(list(pictures)), size=(READER_SIZE, READER_SIZE), mode="area"
        )
        likeliest = {name: scores.argmax(1) for name, scores in self(pixels).items()}
        return [
            {name: ATTRIBUTES[name][int(places[row])] for name, places in likeliest.items()}
            for row in range(len(pictures))
        ]


def labels(portraits: Sequence[Portrait]) -> dict[str, Tensor]:
    """Class indices (n,) of each attribute; UNSEEN for the colour of shut eyes."""
    places = {
        name: torch.tensor([words.index(getattr(portrait, name)) for portrait in portraits])
        for name, words in ATTRIBUTES.items()
    }
    shut = torch.tensor([portrait.expression == "laughing" for portrait in portraits])
    places["eyes"] = places["eyes"].masked_fill(shut, UNSEEN)
    return places


def train_reader(
    autoencoder: AutoencoderTiny, settings: ReaderTraining, device: str = "cpu"
) -> Reader:
    """Train a reader from scratch, which takes a few minutes on two CPU cores."""
    torch.manual_seed(settings.seed)
    reader = Reader().to(device)
    optimiser = torch.optim.AdamW(reader.parameters(), weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=settings.steps, pct_start=0.15
    )
    batches = _batches(autoencoder.to(device).eval(), settings, device)
    progress = Progress("reader", settings.steps)
    for step in range(settings.steps):
        pictures, portraits = next(batches)
        wanted = labels(portraits)
        scores = reader(pictures.to(device))
        losses = [
            functional.cross_entropy(scores[name], wanted[name].to(device)) for name in ATTRIBUTES
        ]
        loss = torch.stack(losses).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        progress.report(step + 1, loss.item())
    return reader.cpu().eval()


def reader_accuracy(reader: Reader, size: int, count: int, seed: int) -> dict[str, float]:
    """The accuracy of each attribute on new renders, as the baseline of a check.

    Draws ``count`` portraits of ``size`` pixels. The colour of shut eyes does not count.
    """
    drawn = _renders(seed, size)
    right = dict.fromkeys(ATTRIBUTES, 0)
    asked = dict.fromkeys(ATTRIBUTES, 0)
    for picture, portrait in islice(drawn, count):
        read = reader.read([picture])[0]
        for name in ATTRIBUTES:
            if name == "eyes" and portrait.expression == "laughing":
                continue
            asked[name] += 1
            right[name] += read[name] == getattr(portrait, name)
    return {name: right[name] / max(asked[name], 1) for name in ATTRIBUTES}


def save_reader(reader: Reader, folder: Path) -> None:
    """Write the weights in half precision and the words of the outputs."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        name: value.half().contiguous() if value.is_floating_point() else value
        for name, value in reader.state_dict().items()
    }
    save_file(weights, folder / "model.safetensors")
    config = {"size": READER_SIZE, "widths": reader.widths, "attributes": ATTRIBUTES}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


def load_reader(folder: Path) -> Reader:
    """Load a reader. Raises ValueError if it was trained on other words than ``portraits`` has."""
    config = json.loads((folder / "config.json").read_text())
    if config["attributes"] != {name: list(words) for name, words in ATTRIBUTES.items()}:
        raise ValueError(f"the reader in {folder} was trained for other words: train it anew")
    reader = Reader(config["widths"])
    weights = load_file(folder / "model.safetensors")
    reader.load_state_dict(
        {k: value.float() if value.is_floating_point() else value for k, value in weights.items()}
    )
    return reader.eval()


def _renders(seed: int, size: int) -> Iterator[tuple[ndarray, Portrait]]:
    # Imported here because drawing needs skia, and reading generated pictures doesn't.
    from generation.demo.drawing import draw

    for portrait, pose in training_portraits(seed, styled=0.0):
        yield draw(portrait, replace(pose, blink=Pose().blink), size), portrait


def _batches(
    autoencoder: AutoencoderTiny, settings: ReaderTraining, device: str
) -> Iterator[tuple[Tensor, list[Portrait]]]:
    """Batches of which half are new renders and half come from the decoded ones."""
    renders = _renders(settings.seed, READER_SIZE)
    decoded = list(_decoded(autoencoder, islice(renders, settings.decoded), device))
    source = seeded_source(settings.seed)
    while True:
        fresh = list(islice(renders, settings.batch // 2))
        again = source.choices(decoded, k=settings.batch - len(fresh))
        pictures = torch.cat(
            [
                pictures_to_tensor([picture for picture, _ in fresh]),
                torch.stack([picture for picture, _ in again]),
            ]
        )
        portraits = [portrait for _, portrait in fresh] + [portrait for _, portrait in again]
        yield _disturbed(pictures), portraits


def _decoded(
    autoencoder: AutoencoderTiny, renders: Iterator[tuple[ndarray, Portrait]], device: str
) -> Iterator[tuple[Tensor, Portrait]]:
    """Renders decoded from noised latents, similar to a denoiser's results."""
    while batch := list(islice(renders, 16)):
        pixels = pictures_to_tensor([picture for picture, _ in batch]).to(device)
        with torch.inference_mode():
            latents = autoencoder.encode(pixels).latents
            latents = latents + 0.15 * torch.randn_like(latents)
            decoded = autoencoder.decode(latents).sample.clamp(-1, 1).cpu()
        yield from zip(decoded.clone(), (portrait for _, portrait in batch), strict=True)


def _disturbed(pictures: Tensor) -> Tensor:
    """Blur and noise half of the pictures, and shift colours and positions of all a little."""
    count = len(pictures)
    blurred = functional.avg_pool2d(functional.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, 1)
    mixing = torch.rand(count, 1, 1, 1) * (torch.rand(count, 1, 1, 1) < 0.5)
    pictures = torch.lerp(pictures, blurred, mixing)
    noise = 0.12 * torch.rand(count, 1, 1, 1) * (torch.rand(count, 1, 1, 1) < 0.5)
    tint = 0.04 * torch.randn(count, 3, 1, 1)
    pictures = pictures + tint + noise * torch.randn_like(pictures)
    shift = (int(torch.randint(-4, 5, ())), int(torch.randint(-4, 5, ())))
    return pictures.clamp(-1, 1).roll(shift, dims=(2, 3))
