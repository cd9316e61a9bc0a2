"""The cost model: the amount of work of each stage of a render.

Each stage has two units: a count (evaluations of the denoiser, or one) and a volume (teraflops or
megapixels). The seconds of a device are learned as a combination of both, so that unseen sizes,
steps and lengths are estimated from seen ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import ceil

from generation.estimating.shapes import Shape
from generation.field import MediaType
from generation.pipelines.costs import Costs
from generation.pipelines.loop.window_plan import split
from generation.states import Stage

TERA, MEGA = 1e12, 1e6


@dataclass(frozen=True, slots=True)
class Demand:
    """The work of one stage. Demands with equal `like` take the same seconds per count."""

    count: float
    volume: float
    like: str


Demands = dict[Stage, Demand]


@lru_cache(maxsize=4096)
def demands(shape: Shape, costs: Costs, model_bytes: int = 0) -> Demands:
    """The demands of all stages of a render, in order.

    The LOAD stage of an enhancement is reading the frames of its file.
    """
    size = f"{shape.width}x{shape.height}"
    pixels = shape.width * shape.height / MEGA
    found: Demands = {}
    if shape.draws:
        found[Stage.LOAD] = Demand(1.0, model_bytes / 1e9, shape.model)
        found[Stage.ENCODE] = Demand(1.0, 0.0, f"{shape.model}|{shape.guided}")
        found[Stage.DENOISE] = _denoise(shape, costs)
        found[Stage.DECODE] = Demand(
            shape.frames,
            shape.frames * costs.decoding(costs.latents(shape.width, shape.height)) / TERA,
            f"{shape.model}|{size}|{'clip' if shape.frames > 1 else 'picture'}",
        )
    else:
        found[Stage.LOAD] = Demand(shape.frames, shape.frames * pixels, size)
    found.update(_afterwards(shape, size, pixels))
    return found


def _denoise(shape: Shape, costs: Costs) -> Demand:
    windows = [[0]] if shape.type == MediaType.IMAGE else _windows(shape)
    size, count = len(windows[0]), len(windows)
    forwards = 2 if shape.guided else 1
    flops = costs.evaluation(costs.latents(shape.width, shape.height), size) * forwards / TERA
    steps = shape.denoising_steps
    whole = ceil(steps / shape.acceleration)
    evaluations = (whole + (steps - whole) * costs.outermost) * count
    accelerated = f"|{shape.acceleration}" if shape.acceleration > 1 else ""
    return Demand(
        evaluations,
        evaluations * flops,
        f"{shape.model}|{shape.width}x{shape.height}|{size}|{shape.guided}|{shape.scheduler}"
        f"|{shape.lora_count}{accelerated}",
    )


def _windows(shape: Shape) -> list[list[int]]:
    return split(shape.frames, shape.context_frames, loop=shape.loop)


def _afterwards(shape: Shape, size: str, pixels: float) -> Demands:
    """Demands of the stages after drawing: interpolating, upscaling, writing and checking."""
    found: Demands = {}
    delivered = shape.delivered_frames
    if shape.interpolate > 1:
        made = delivered - shape.frames
        found[Stage.INTERPOLATE] = Demand(
            made, made * pixels, f"{size}|{shape.interpolate}|{shape.interpolator}"
        )
    written = delivered * pixels * shape.upscale**2
    if shape.upscale > 1:
        found[Stage.UPSCALE] = Demand(
            delivered, written, f"{size}|{shape.upscale}|{shape.upscaler}"
        )
    clip = shape.type == MediaType.VIDEO
    medium, formats = ("clip" if clip else "picture"), "+".join(shape.formats)
    how = f"{size}|{shape.upscale}|{shape.keeps_frames}|{formats}|{medium}"
    found[Stage.WRITE] = Demand(1.0, written * max(1, len(shape.formats)), f"{how}|{delivered}")
    if clip:
        found[Stage.CHECK] = Demand(1.0, written, f"{how}|{delivered}")
    return found
