"""What the stages of a render cost: its demands, and the weights of its progress bar."""

from __future__ import annotations

from math import ceil

from generation.estimating.cost import TERA, Demand, Demands, finishing
from generation.estimating.shapes import Shape
from generation.estimating.stage_plan import Weights, finishing_weights
from generation.field import MediaType
from generation.pipelines.costs import Costs
from generation.pipelines.loop.window_plan import split
from generation.specs import RenderSpec
from generation.states import Stage

DENOISE_FRAME = 1.0
"""The unit: one denoising step of one frame."""
DECODE_FRAME = 0.9


def demands(shape: Shape, costs: Costs, model_bytes: int) -> Demands:
    """See JobCost."""
    size = f"{shape.width}x{shape.height}"
    decoded = shape.frames * costs.decoding(costs.latents(shape.width, shape.height)) / TERA
    return {
        Stage.LOAD: Demand(1.0, model_bytes / 1e9, shape.model),
        Stage.ENCODE: Demand(1.0, 0.0, f"{shape.model}|{shape.guided}"),
        Stage.DENOISE: _denoise(shape, costs),
        Stage.DECODE: Demand(
            shape.frames,
            decoded,
            f"{shape.model}|{size}|{'clip' if shape.frames > 1 else 'picture'}",
        ),
        **finishing(shape),
    }


def _denoise(shape: Shape, costs: Costs) -> Demand:
    windows = _windows(shape)
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


def weights(spec: RenderSpec) -> Weights:
    """See JobCost. Loading and encoding the prompt have no weight."""
    frames_denoised = sum(len(window) for window in _windows(spec))
    return {
        Stage.DENOISE: spec.denoising_steps * frames_denoised * DENOISE_FRAME,
        Stage.DECODE: spec.frames * DECODE_FRAME,
        **finishing_weights(spec),
    }


def _windows(of: Shape | RenderSpec) -> list[list[int]]:
    if of.type == MediaType.IMAGE:
        return [[0]]
    return split(of.frames, of.context_frames, loop=of.loop)
