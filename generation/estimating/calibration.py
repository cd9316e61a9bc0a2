"""Calibration: two or three small renders that teach what a new device needs to be estimated.

A small and a larger picture of few steps tell what an evaluation and a teraflop cost; clips, where
a model makes them, get the same; the last one is made larger, or smoother, as well. They are
ordinary jobs that only this device takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from generation.field import MediaType
from generation.library.upscalers import choose_upscaler
from generation.models import ModelCard
from generation.pipelines.interpolate import interpolate
from generation.specs import Quality, RenderSpec

PROMPT = "1girl, smiling, sky background"
STEPS = 6


@dataclass(frozen=True, slots=True)
class _Size:
    """Shares of the model's usual sides, and frames of a clip; whether more is done afterwards."""

    side: float
    frames: int
    steps: int
    afterwards: bool = False


SIZES = (_Size(1.0, 8, STEPS), _Size(0.6, 12, STEPS), _Size(0.75, 4, STEPS, afterwards=True))
"""The first one loads the model and is rendered twice: its first time also warms up."""


def specs_for(cards: Iterable[ModelCard]) -> list[RenderSpec]:
    """What has to be rendered for these models."""
    return [spec for card in cards for size in (SIZES[0], *SIZES) for spec in [_spec(card, size)]]


def _spec(card: ModelCard, size: _Size) -> RenderSpec:
    clip = MediaType.VIDEO in card.types
    # A calibration's clips are smaller: what they teach is the same and they cost half.
    share = size.side * (0.75 if clip else 1.0)
    width, height = (_side(card, side * share) for side in (card.width, card.height))
    return RenderSpec(
        type=MediaType.VIDEO if clip else MediaType.IMAGE,
        model=card.slug,
        prompt=PROMPT,
        quality=Quality.DRAFT,
        width=width,
        height=height,
        steps=size.steps,
        guidance=card.guidance,
        seed=0,
        scheduler=card.scheduler,
        frames=size.frames if clip else 1,
        fps=card.fps if clip else 0.0,
        context_frames=card.context_frames,
        **(_afterwards(clip) if size.afterwards else {}),
    )


def _afterwards(clip: bool) -> dict[str, Any]:
    if clip:
        return {"interpolate": 2, "interpolator": interpolate.DEFAULT}
    return {"upscale": 2, "upscaler": choose_upscaler(2, None)}


def _side(card: ModelCard, wanted: float) -> int:
    """A side that the model draws, in pixels, nearest to the one wanted."""
    step = 16
    limits = card.limits
    return int(min(limits.max_size, max(limits.min_size, round(wanted / step) * step)))
