"""What a render can give up when time is short: all options, the least loss first.

Only settings that nobody named may change. The quality is the exception: `finish_within` asks for
it to be chosen. Each option says in words what it gives up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from generation.field import MediaType
from generation.pipelines.interpolate import interpolate
from generation.specs import SIZE_MULTIPLE, Quality, RenderSpec

QUALITY_LOSS = {Quality.FINAL: 0.0, Quality.STANDARD: 2.0, Quality.DRAFT: 5.0}
STEPS_LOSS = {1.0: 0.0, 0.75: 0.8}
"""By the share of the quality's steps that are made."""
ACCELERATION_LOSS = {1: 0.0, 2: 1.3, 3: 2.6}
"""By how many steps share what the deep layers gave; the benchmark `acceleration` tells how far
such pictures are from whole ones, beside those of fewer steps."""
DRAWN_LOSS = {1: 0.0, 2: 1.0, 4: 3.0}
"""By how many frames are delivered for each that is drawn; the others are in-betweens."""
SIZE_LOSS = {1.0: 0.0, 0.75: 3.0, 0.5: 7.0}
"""By the share of the sides. Size goes last: a small picture is another picture."""
ORDINALS = {2: "second", 3: "third"}
FEWEST_FRAMES = 8
"""A clip of fewer drawn frames has no motion to fill in."""


@dataclass(frozen=True, slots=True)
class Freedom:
    """What nobody named, so that it may give option."""

    steps: bool
    acceleration: bool
    size: bool
    frames: bool


@dataclass(frozen=True, slots=True)
class DeadlineOption:
    """One option: the spec, how much it loses against the best, and that in words."""

    spec: RenderSpec
    loss: float
    given_up: tuple[str, ...]


def deadline_options(
    best: RenderSpec, steps_of: Callable[[Quality], int], free: Freedom
) -> list[DeadlineOption]:
    """Every option, the best itself first; `steps_of` says how many steps a quality has."""
    made = (_made(best, steps_of, free, *options) for options in _options(best, free))
    return sorted((one for one in made if one is not None), key=lambda one: one.loss)


def _options(best: RenderSpec, free: Freedom) -> Iterator[tuple[Quality, float, int, int, float]]:
    """Quality, share of steps, acceleration, frames delivered for one drawn, share of the sides."""
    return product(
        QUALITY_LOSS,
        STEPS_LOSS if free.steps else [1.0],
        ACCELERATION_LOSS if free.acceleration else [best.acceleration],
        DRAWN_LOSS if free.frames and best.type == MediaType.VIDEO else [1],
        SIZE_LOSS if free.size else [1.0],
    )


def _made(
    best: RenderSpec,
    steps_of: Callable[[Quality], int],
    free: Freedom,
    quality: Quality,
    steps: float,
    acceleration: int,
    drawn: int,
    side: float,
) -> DeadlineOption | None:
    """None for a option that leaves too little of a clip."""
    changes: dict[str, Any] = {"quality": quality, "acceleration": acceleration}
    said = [] if quality == Quality.FINAL else [f"{quality.value} instead of final quality"]
    if free.steps:
        changes["steps"] = max(1, round(steps_of(quality) * steps))
    if steps < 1.0:
        said.append(f"{changes['steps']} steps instead of {steps_of(quality)}")
    if acceleration > 1 and free.acceleration:
        said.append(f"every {ORDINALS[acceleration]} step whole, the others with less detail")
    if drawn > 1:
        if best.frames // drawn < FEWEST_FRAMES:
            return None
        changes |= {
            "frames": best.frames // drawn,
            "fps": best.fps / drawn,
            "interpolate": drawn,
            "interpolator": interpolate.DEFAULT,
        }
        said.append(f"{best.frames // drawn} frames drawn, with in-betweens for the others")
    if side < 1.0:
        width, height = (_side(pixels, side) for pixels in (best.width, best.height))
        changes |= {"width": width, "height": height}
        said.append(f"{width}×{height} instead of {best.width}×{best.height}")
    losses = [QUALITY_LOSS[quality], STEPS_LOSS[steps], DRAWN_LOSS[drawn], SIZE_LOSS[side]]
    if free.acceleration:
        losses.append(ACCELERATION_LOSS[acceleration])
    return DeadlineOption(replace(best, **changes), sum(losses), tuple(said))


def _side(pixels: int, share: float) -> int:
    return max(SIZE_MULTIPLE, round(pixels * share / SIZE_MULTIPLE) * SIZE_MULTIPLE)
