"""The stage plan of a render: its stages and their weights for the progress bar.

The weights are not used for estimates of run times.
"""

from dataclasses import dataclass

from generation.field import MediaType
from generation.pipelines.loop.window_plan import split
from generation.specs import RenderSpec
from generation.states import Stage

DENOISE_FRAME = 1.0
"""The unit: one denoising step of one frame. The others were measured on the demo model."""
DECODE_FRAME = 0.9
INTERPOLATE_FRAME = 0.5
UPSCALE_FRAME = 1.0
WRITE_FRAME = 0.1
CHECK_FRAME = 0.2


@dataclass(frozen=True, slots=True)
class StagePlan:
    """The stages of a spec with their weights, in order."""

    weights: dict[Stage, float]

    @classmethod
    def of(cls, spec: RenderSpec) -> "StagePlan":
        """The stage plan of a spec. Loading and encoding the prompt have no weight."""
        frames, delivered = spec.frames, spec.delivered_frames
        drawn = frames if spec.draws else 0
        weights = {
            Stage.DENOISE: spec.denoising_steps * _frames_denoised(spec) * DENOISE_FRAME,
            Stage.DECODE: drawn * DECODE_FRAME,
            Stage.INTERPOLATE: (delivered - frames) * INTERPOLATE_FRAME,
            Stage.UPSCALE: delivered * (spec.upscale**2 - 1) * UPSCALE_FRAME,
            Stage.WRITE: delivered * WRITE_FRAME,
            Stage.CHECK: delivered * CHECK_FRAME if spec.type == MediaType.VIDEO else 0.0,
        }
        return cls({stage: weight for stage, weight in weights.items() if weight})

    def percent(self, stage: Stage, share: float) -> float:
        """Progress, 0 to 100, when a share (0 to 1) of a stage is completed."""
        if stage not in self.weights:
            return 0.0
        stages = list(self.weights)
        before = sum(self.weights[done] for done in stages[: stages.index(stage)])
        return 100.0 * (before + share * self.weights[stage]) / sum(self.weights.values())


def _frames_denoised(spec: RenderSpec) -> int:
    if spec.type != MediaType.VIDEO:
        return 1
    return sum(len(part) for part in split(spec.frames, spec.context_frames, loop=spec.loop))
