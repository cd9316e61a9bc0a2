"""What the stages of an enhancement cost: its demands, and the weights of its progress bar."""

from __future__ import annotations

from generation.estimating.cost import Demand, Demands, finishing, megapixels
from generation.estimating.shapes import Shape
from generation.estimating.stage_plan import Weights, finishing_weights
from generation.pipelines.costs import Costs
from generation.specs import EnhanceSpec
from generation.states import Stage


def demands(shape: Shape, costs: Costs, model_bytes: int) -> Demands:
    """See JobCost. The LOAD stage is reading the frames of the file; no model is loaded."""
    volume = shape.frames * megapixels(shape)
    load = Demand(shape.frames, volume, f"{shape.width}x{shape.height}")
    return {Stage.LOAD: load, **finishing(shape)}


def weights(spec: EnhanceSpec) -> Weights:
    """See JobCost. Reading the file has no weight."""
    return finishing_weights(spec)
