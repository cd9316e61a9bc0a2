"""The cost model: the amount of work of each stage of a job.

Each stage has two units: a count (evaluations of the denoiser, or one) and a volume (teraflops or
megapixels). The seconds of a device are learned as a combination of both, so that unseen sizes,
steps and lengths are estimated from seen ones. The `cost` module of a kind of job knows its
stages; the stages that make files of frames are the same for all kinds and stand here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from pkgutil import resolve_name
from typing import Any, Protocol, cast

from generation.estimating.shapes import Shape
from generation.field import MediaType
from generation.kind import kind_named
from generation.pipelines.costs import Costs
from generation.states import Stage

TERA, MEGA = 1e12, 1e6


@dataclass(frozen=True, slots=True)
class Demand:
    """The work of one stage. Demands with equal `like` take the same seconds per count."""

    count: float
    volume: float
    like: str


Demands = dict[Stage, Demand]


class JobCost(Protocol):
    """What the `cost` module of a kind of job has."""

    def demands(self, shape: Shape, costs: Costs, model_bytes: int) -> Demands:
        """The demands of all stages, in order. `costs` and `model_bytes` are the model's."""

    def weights(self, spec: Any) -> dict[Stage, float]:
        """How much of the progress bar each stage of a spec takes, in any unit; see StagePlan."""


@cache
def cost_of(kind: str) -> JobCost:
    """The cost module of a kind of job."""
    return cast(JobCost, resolve_name(kind_named(kind).cost))


@lru_cache(maxsize=4096)
def demands(shape: Shape, costs: Costs, model_bytes: int = 0) -> Demands:
    """The demands of all stages of a job, in order."""
    return cost_of(shape.kind).demands(shape, costs, model_bytes)


def megapixels(shape: Shape) -> float:
    """Megapixels of one frame before upscaling."""
    return float(shape.width * shape.height / MEGA)


def finishing(shape: Shape) -> Demands:
    """Demands of the stages that make a file of frames, in order: INTERPOLATE to CHECK."""
    found: Demands = {}
    size, pixels = f"{shape.width}x{shape.height}", megapixels(shape)
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
