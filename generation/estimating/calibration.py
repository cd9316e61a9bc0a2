"""Calibration: a few small renders per model, from which the speed of a new device is learned.

Renders of different sizes with few steps show the seconds of an evaluation and of a teraflop.
Models for clips render short clips. The last render is also upscaled (a picture) or interpolated (a
clip). All are ordinary jobs that are pinned to the device.
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
    """One render. `side` is a share of the model's default sides, `frames` counts for clips.

    `afterwards` adds upscaling of a picture or interpolation of a clip.
    """

    side: float
    frames: int
    steps: int
    afterwards: bool = False


SIZES = (_Size(1.0, 8, STEPS), _Size(0.6, 12, STEPS), _Size(0.75, 4, STEPS, afterwards=True))
"""The first is rendered twice, because its first run loads the model and warms up."""


def specs_for(cards: Iterable[ModelCard]) -> list[RenderSpec]:
    """The calibration renders of these models."""
    return [spec for card in cards for size in (SIZES[0], *SIZES) for spec in [_spec(card, size)]]


def _spec(card: ModelCard, size: _Size) -> RenderSpec:
    clip = MediaType.VIDEO in card.types
    # Clips are smaller, which halves their cost and shows the same.
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
    """The nearest allowed side of the model, in pixels."""
    step = 16
    limits = card.limits
    return int(min(limits.max_size, max(limits.min_size, round(wanted / step) * step)))
