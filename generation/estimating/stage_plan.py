"""The stage plan of a job: its stages and their weights for the progress bar.

The weights are not used for estimates of run times.
"""

from dataclasses import dataclass

from generation.estimating.cost import cost_of
from generation.field import MediaType
from generation.specs import RenderSpec
from generation.states import Stage

INTERPOLATE_FRAME = 0.5
"""In denoising steps of one frame, as the others. They were measured on the demo model."""
UPSCALE_FRAME = 1.0
WRITE_FRAME = 0.1
CHECK_FRAME = 0.2
Weights = dict[Stage, float]


@dataclass(frozen=True, slots=True)
class StagePlan:
    """The stages of a spec with their weights, in order."""

    weights: Weights

    @classmethod
    def of(cls, spec: RenderSpec) -> "StagePlan":
        """The stage plan of a spec. Stages without a weight are left out."""
        weights = cost_of(spec.kind).weights(spec)
        return cls({stage: weight for stage, weight in weights.items() if weight})

    def percent(self, stage: Stage, share: float) -> float:
        """Progress, 0 to 100, when a share (0 to 1) of a stage is completed."""
        if stage not in self.weights:
            return 0.0
        stages = list(self.weights)
        before = sum(self.weights[done] for done in stages[: stages.index(stage)])
        return 100.0 * (before + share * self.weights[stage]) / sum(self.weights.values())


def finishing_weights(spec: RenderSpec) -> Weights:
    """Weights of the stages that make files of frames."""
    delivered = spec.delivered_frames
    return {
        Stage.INTERPOLATE: (delivered - spec.frames) * INTERPOLATE_FRAME,
        Stage.UPSCALE: delivered * (spec.upscale**2 - 1) * UPSCALE_FRAME,
        Stage.WRITE: delivered * WRITE_FRAME,
        Stage.CHECK: delivered * CHECK_FRAME if spec.type == MediaType.VIDEO else 0.0,
    }
