"""The stages of training the demo model's motion adapter. They need the finished base model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from generation.demo.autoencoder import load_autoencoder
from generation.demo.export import export_adapter
from generation.demo.latents import (
    SIZES,
    LatentSet,
    encode_clips,
    latents_path,
    save_latents,
)
from generation.demo.motion import Motion, MotionTraining
from generation.demo.portraits import caption

# Clips are encoded and saved in parts of this size, so that a stopped run can continue.
PART: Final = 32
# Seed of the check's clips, so that none of them was trained on.
UNSEEN_SEED: Final = 1_000_000_007


@dataclass(frozen=True)
class MotionRecipe:
    """All settings of the training; the defaults make the demo model's adapter."""

    work: Path
    base: Path
    output: Path
    device: str = "cpu"
    seed: int = 1
    small_clips: int = 384
    large_clips: int = 256
    steps: int = 3000
    batch: int = 2
    unseen_clips: int = 12
    checked_timesteps: tuple[int, ...] = (999, 850, 650, 450, 250, 80)


def adapter_folder(base: Path) -> Path:
    """The folder of the motion adapter of the model in ``base``, beside it."""
    return base.with_name(base.name + "-motion")


def run_motion_stage(stage: str, recipe: MotionRecipe, say: Callable[[str], None]) -> None:
    """Run one stage.

    Raises KeyError for an unknown stage and OSError if the result of an earlier stage is missing.
    """
    actions = {"clips": _clips, "adapter": _adapter, "check": _check, "export": _export}
    recipe.work.mkdir(parents=True, exist_ok=True)
    actions[stage](recipe, say)


def _clips(recipe: MotionRecipe, say: Callable[[str], None]) -> None:
    autoencoder = load_autoencoder(recipe.base / "vae", recipe.device)
    folder = recipe.work / "clips"
    for size, count in ((128, recipe.small_clips), (256, recipe.large_clips)):
        for part, first in enumerate(range(0, count, PART)):
            seed = recipe.seed * 1_000_000 + size * 1000 + part
            if not latents_path(folder, size, seed).exists():
                encoded = encode_clips(
                    autoencoder, size, min(PART, count - first), seed, recipe.device
                )
                save_latents(encoded, folder, size, seed)
        say(f"clips: {count} of {size} pixels")


def _new_motion(recipe: MotionRecipe) -> Motion:
    settings = MotionTraining(steps=recipe.steps, batch=recipe.batch, seed=recipe.seed)
    return Motion(recipe.base, settings, recipe.device)


def _adapter(recipe: MotionRecipe, say: Callable[[str], None]) -> None:
    motion = _new_motion(recipe)
    checkpoint = recipe.work / "motion.pt"
    if checkpoint.exists():
        motion.load_checkpoint(checkpoint)
        say(f"adapter: resumed after {motion.step} steps")
    loss = motion.train(recipe.work / "clips", checkpoint)
    say(f"adapter: loss {loss:.4f} after {motion.step} steps")


def _check(recipe: MotionRecipe, say: Callable[[str], None]) -> None:
    motion = _new_motion(recipe)
    autoencoder = load_autoencoder(recipe.base / "vae", recipe.device)
    unseen = {
        size: encode_clips(autoencoder, size, recipe.unseen_clips, UNSEEN_SEED, recipe.device)
        for size in SIZES
    }
    timesteps = recipe.checked_timesteps
    bare = {size: mean_errors(motion, clips, timesteps) for size, clips in unseen.items()}
    motion.load_checkpoint(recipe.work / "motion.pt")
    motion.use_average()
    for size, clips in unseen.items():
        own = mean_errors(motion, clips, timesteps)
        for name, error, without in zip(("frames", "changes"), own, bare[size], strict=True):
            say(f"check: {size} pixels, error of the {name} {error:.4f}, without {without:.4f}")


@torch.inference_mode()
def mean_errors(motion: Motion, clips: LatentSet, timesteps: Sequence[int]) -> tuple[float, float]:
    """The mean of ``Motion.errors`` over clips and timesteps, always with the same noise."""
    torch.manual_seed(0)
    found = [
        torch.stack(motion.errors(clip[None].float(), [caption(portrait)], torch.tensor([time])))
        for clip, portrait in zip(clips.latents, clips.portraits, strict=True)
        for time in timesteps
    ]
    frames, changes = torch.stack(found).mean(dim=0).tolist()
    return frames, changes


def _export(recipe: MotionRecipe, say: Callable[[str], None]) -> None:
    motion = _new_motion(recipe)
    motion.load_checkpoint(recipe.work / "motion.pt")
    motion.use_average()
    size = export_adapter(recipe.output, motion.trained_adapter())
    say(f"export: {size / 1e6:.1f} MB after {motion.step} steps in {recipe.output}")
