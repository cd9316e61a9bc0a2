"""What a render can give up to meet a limit of time: all options, the least loss first.

Only settings that the request does not name may change. The quality is the exception, because
`finish_within` asks for it to be chosen. Each option lists what it gives up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from generation.field import MediaType
from generation.pipelines.interpolate import interpolate
from generation.specs import SIZE_MULTIPLE, Quality, RenderSpec
from studio.ordering import reasons
from studio.ordering.reasons import GivenUp

QUALITY_LOSS = {Quality.FINAL: 0.0, Quality.STANDARD: 2.0, Quality.DRAFT: 5.0}
STEPS_LOSS = {1.0: 0.0, 0.75: 0.8}
"""By the share of the quality's steps that are computed."""
ACCELERATION_LOSS = {1: 0.0, 2: 1.3, 3: 2.6}
"""By the number of steps that share one result of the deep layers. The benchmark `acceleration`
compares such pictures, and those of fewer steps, with pictures whose steps are all in full."""
DRAWN_LOSS = {1: 0.0, 2: 1.0, 4: 3.0}
"""By the number of delivered frames per drawn frame; the others are in-betweens."""
SIZE_LOSS = {1.0: 0.0, 0.75: 3.0, 0.5: 7.0}
"""By the share of both sides. The highest losses, because a small picture is another picture."""
ORDINALS = {2: "second", 3: "third"}
FEWEST_FRAMES = 8
"""A clip of fewer drawn frames has too little motion for in-betweens."""


@dataclass(frozen=True, slots=True)
class Freedom:
    """Which settings may change, because the request does not name them."""

    steps: bool
    acceleration: bool
    size: bool
    frames: bool


@dataclass(frozen=True, slots=True)
class DeadlineOption:
    """One option: the spec, its loss against the best one, and what it gives up."""

    spec: RenderSpec
    loss: float
    given_up: tuple[GivenUp, ...]


def deadline_options(
    best: RenderSpec, steps_of: Callable[[Quality], int], free: Freedom
) -> list[DeadlineOption]:
    """Every option, the best itself first; `steps_of` gives the steps of a quality."""
    made = (_made(best, steps_of, free, *options) for options in _options(best, free))
    return sorted((one for one in made if one is not None), key=lambda one: one.loss)


def _options(best: RenderSpec, free: Freedom) -> Iterator[tuple[Quality, float, int, int, float]]:
    """Quality, share of the steps, acceleration, frames per drawn frame, share of the sides."""
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
    """The option; None if it draws too few frames of a clip."""
    changes: dict[str, Any] = {"quality": quality, "acceleration": acceleration}
    given_up = []
    if quality != Quality.FINAL:
        given_up.append(GivenUp(reasons.LOWER_QUALITY, {"quality": quality.value}))
    if free.steps:
        changes["steps"] = max(1, round(steps_of(quality) * steps))
    if steps < 1.0:
        values = {"steps": changes["steps"], "usual": steps_of(quality)}
        given_up.append(GivenUp(reasons.FEWER_STEPS, values))
    if acceleration > 1 and free.acceleration:
        given_up.append(GivenUp(reasons.ACCELERATED, {"ordinal": ORDINALS[acceleration]}))
    if drawn > 1:
        if best.frames // drawn < FEWEST_FRAMES:
            return None
        changes |= {
            "frames": best.frames // drawn,
            "fps": best.fps / drawn,
            "interpolate": drawn,
            "interpolator": interpolate.DEFAULT,
        }
        given_up.append(GivenUp(reasons.FEWER_DRAWN, {"frames": best.frames // drawn}))
    if side < 1.0:
        width, height = (_side(pixels, side) for pixels in (best.width, best.height))
        changes |= {"width": width, "height": height}
        given_up.append(GivenUp(reasons.SMALLER, _sizes(width, height, best)))
    losses = [QUALITY_LOSS[quality], STEPS_LOSS[steps], DRAWN_LOSS[drawn], SIZE_LOSS[side]]
    if free.acceleration:
        losses.append(ACCELERATION_LOSS[acceleration])
    return DeadlineOption(replace(best, **changes), sum(losses), tuple(given_up))


def _sizes(width: int, height: int, best: RenderSpec) -> dict[str, int]:
    usual = {"usual_width": best.width, "usual_height": best.height}
    return {"width": width, "height": height, **usual}


def _side(pixels: int, share: float) -> int:
    return max(SIZE_MULTIPLE, round(pixels * share / SIZE_MULTIPLE) * SIZE_MULTIPLE)
