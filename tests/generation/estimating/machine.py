"""A simulated machine whose stages follow the cost model exactly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from generation.estimating import cost
from generation.estimating.cost import Demands
from generation.estimating.shapes import Shape
from generation.estimating.speeds.learning import REST, Speeds
from generation.pipelines.costs import Costs
from generation.states import Stage

COSTS = Costs(evaluate=(4e7, 9e6, 1.2e3, 2e5), decode=(1.3e8, 1e3))
"""Similar to those of the demo model."""


def picture(side: int = 256, steps: int = 20, **changes: Any) -> Demands:
    """Demands of a square picture."""
    return cost.demands(shape("image", side, denoising_steps=steps, **changes), COSTS)


def clip(frames: int = 16, side: int = 128, steps: int = 8, context: int = 16) -> Demands:
    """Demands of a square clip."""
    made = shape("video", side, frames=frames, denoising_steps=steps, context_frames=context)
    return cost.demands(made, COSTS)


def shape(medium: str, side: int, **values: Any) -> Shape:
    """The shape of a square render by the demo model, with guidance."""
    usual = {"model": "toon", "type": medium, "width": side, "height": side, "guided": True}
    return Shape(**{**usual, **values})


@dataclass(slots=True)
class Machine:
    """A machine with seconds per count and per volume of each stage.

    `slowdown` returns the factor of all run times under a host load.
    """

    each: float = 0.01
    volume: float = 2.0
    slowdown: Callable[[float], float] = lambda load: 1.0

    def stages(self, demands: Demands, load: float = 0.0, noise: float = 1.0) -> dict[str, float]:
        """Seconds of each stage of a render with a loaded model, including REST."""
        slow = self.slowdown(load) * noise
        found: dict[str, float] = {
            stage: slow * (self.each * demand.count + self.volume * demand.volume)
            for stage, demand in demands.items()
            if stage != Stage.LOAD
        }
        return {**found, REST: 0.02 * slow}

    def teach(
        self, speeds: Speeds, *all_demands: Demands, load: float = 0.0, noise: float = 1.0
    ) -> None:
        """Let the speeds learn one render of each of the demands."""
        for demands in all_demands:
            speeds.learn(demands, self.stages(demands, load, noise), cold=False, load=load)


def plan(speeds: Speeds, demands: Demands, load: float = 0.0) -> float:
    """Estimated seconds of a render with a loaded model."""
    stages = speeds.stage_seconds(demands, cold=False, load=load)
    assert stages is not None
    return sum(stages.values()) + speeds.rest_seconds(load)
