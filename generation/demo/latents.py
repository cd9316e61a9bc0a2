"""The training sets of the denoiser and of the motion adapter: renders encoded to latents.

A set is one safetensors file per size and seed: the tensor "latents" in half precision, which is
(n, 4, side / 8, side / 8) for pictures and (n, frames, 4, side / 8, side / 8) for clips, and the
portraits' labels as JSON in the file's metadata. Captions are generated anew at every step.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import cast

import torch
from diffusers import AutoencoderTiny
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from generation.demo.autoencoder import pictures_to_tensor
from generation.demo.drawn_clips import draw_clip, training_clips
from generation.demo.portraits import Portrait, training_portraits
from generation.demo.recolouring import Picture
from generation.demo.training_progress import Progress

SIZES = (128, 256)


@dataclass(frozen=True)
class LatentSet:
    """Latents of one picture size in float16, and the labels of each picture or clip.

    Pictures are (n, 4, height, width), clips (n, frames, 4, height, width).
    """

    latents: Tensor
    portraits: list[Portrait]

    def __len__(self) -> int:
        return len(self.portraits)


def encode_renders(
    model: AutoencoderTiny, size: int, count: int, seed: int, device: str = "cpu"
) -> LatentSet:
    """Draw and encode ``count`` portraits of ``size`` pixels, determined by the seed."""
    # Imported here because drawing needs skia, and reading latents doesn't.
    from generation.demo.drawing import draw

    model.to(device, memory_format=torch.channels_last).eval()
    drawn = list(islice(training_portraits(seed), count))
    batch = 16 * (128 * 128) // (size * size) or 1
    progress = Progress(f"latents {size}", count)
    encoded = []
    for start in range(0, count, batch):
        pictures = [draw(*labelled, size) for labelled in drawn[start : start + batch]]
        encoded.append(_encode(model, pictures, device))
        progress.report(min(start + batch, count), 0.0)
    return LatentSet(torch.cat(encoded).contiguous(), [portrait for portrait, _ in drawn])


def encode_clips(
    model: AutoencoderTiny, size: int, count: int, seed: int, device: str = "cpu"
) -> LatentSet:
    """Draw and encode ``count`` clips of WINDOW frames, determined by the seed."""
    model.to(device, memory_format=torch.channels_last).eval()
    drawn = list(islice(training_clips(seed), count))
    progress = Progress(f"clips {size}", count)
    encoded = []
    for done, (portrait, poses) in enumerate(drawn, start=1):
        encoded.append(_encode(model, draw_clip(portrait, poses, size), device))
        progress.report(done, 0.0)
    return LatentSet(torch.stack(encoded).contiguous(), [portrait for portrait, _ in drawn])


def _encode(model: AutoencoderTiny, pictures: list[Picture], device: str) -> Tensor:
    """Latents (n, 4, height / 8, width / 8) of pictures of one size, float16."""
    pixels = pictures_to_tensor(pictures).to(device, memory_format=torch.channels_last)
    with torch.inference_mode(), torch.autocast(device, torch.bfloat16):
        return cast(Tensor, model.encode(pixels).latents.half().cpu())


def latents_path(folder: Path, size: int, seed: int) -> Path:
    """The path of the set of one size and seed."""
    return folder / f"latents-{size}-{seed}.safetensors"


def save_latents(latents: LatentSet, folder: Path, size: int, seed: int) -> Path:
    """Write one set atomically and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = latents_path(folder, size, seed)
    partial = path.with_suffix(".partial")
    labels = json.dumps([asdict(portrait) for portrait in latents.portraits])
    save_file({"latents": latents.latents}, partial, metadata={"portraits": labels})
    partial.replace(path)
    return path


def load_latents(folder: Path, size: int) -> LatentSet:
    """Read all sets of one size. Raises FileNotFoundError if the folder holds none."""
    paths = sorted(folder.glob(f"latents-{size}-*.safetensors"))
    if not paths:
        raise FileNotFoundError(f"no latents of {size} pixels in {folder}")
    parts: list[Tensor] = []
    portraits: list[Portrait] = []
    for path in paths:
        with safe_open(path, framework="pt") as stored:
            parts.append(stored.get_tensor("latents"))
            labels = json.loads(stored.metadata()["portraits"])
        portraits.extend(Portrait(**label) for label in labels)
    return LatentSet(torch.cat(parts), portraits)
