"""Shared by benchmarks of clips: the demo model with its motion adapter, and its specs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch
from PIL import Image

from generation.pipelines.families.animate_diff.pipeline import AnimateDiff
from generation.pipelines.model_files import ModelFiles
from generation.pipelines.registry import warm_up
from generation.specs import RenderSpec

FIXTURES: Final = Path(__file__).resolve().parents[2] / "fixtures" / "models"
TOON: Final = FIXTURES / "toon"
MOTION: Final = FIXTURES / "toon-motion"
GUIDANCE: Final = 3.5
FPS: Final = 8.0


def load() -> AnimateDiff:
    """Load the demo model with its motion adapter, on the CPU."""
    warm_up()
    base = ModelFiles("toon", "stable-diffusion", TOON, "toon")
    files = ModelFiles("toon-motion", "animatediff", MOTION, "toon-motion", base)
    return AnimateDiff(files, torch.device("cpu"), torch.float32)


def spec_of(prompt: str, *, frames: int, steps: int, size: int, seed: int) -> RenderSpec:
    """The spec of an ordinary clip."""
    return RenderSpec(
        type="video",
        model="toon-motion",
        prompt=prompt,
        quality="standard",
        width=size,
        height=size,
        steps=steps,
        guidance=GUIDANCE,
        seed=seed,
        frames=frames,
        fps=FPS,
    )


def render(pipeline: AnimateDiff, spec: RenderSpec) -> list[Image.Image]:
    """Render a spec; return its frames."""
    latents = pipeline.denoise(spec, pipeline.encode(spec), lambda _: None)
    return list(pipeline.decode(latents))


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean; 0 for no values."""
    return sum(values) / len(values) if values else 0.0
