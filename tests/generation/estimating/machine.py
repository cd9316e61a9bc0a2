"""A machine whose stages take what the cost model says, so that what is learned can be judged."""

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
"""About the demo model's."""


def picture(side: int = 256, steps: int = 20, **changes: Any) -> Demands:
    """What a square picture demands."""
    return cost.demands(shape("image", side, denoising_steps=steps, **changes), COSTS)


def clip(frames: int = 16, side: int = 128, steps: int = 8, context: int = 16) -> Demands:
    """What a square clip demands."""
    made = shape("video", side, frames=frames, denoising_steps=steps, context_frames=context)
    return cost.demands(made, COSTS)


def shape(medium: str, side: int, **values: Any) -> Shape:
    """A guided square of the demo model."""
    usual = {"model": "toon", "type": medium, "width": side, "height": side, "guided": True}
    return Shape(**{**usual, **values})


@dataclass(slots=True)
class Machine:
    """Seconds for each count and for each volume of a stage, and by how much all of it is slowed.

    `slowdown` says how many times as long everything takes under a load of the host.
    """

    each: float = 0.01
    volume: float = 2.0
    slowdown: Callable[[float], float] = lambda load: 1.0

    def stages(self, demands: Demands, load: float = 0.0, noise: float = 1.0) -> dict[str, float]:
        """Seconds of each stage of a warm render, the rest among them."""
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
        """Let some speeds learn a render of each."""
        for demands in all_demands:
            speeds.learn(demands, self.stages(demands, load, noise), cold=False, load=load)


def plan(speeds: Speeds, demands: Demands, load: float = 0.0) -> float:
    """Seconds of a warm render by what was learned."""
    stages = speeds.stage_seconds(demands, cold=False, load=load)
    assert stages is not None
    return sum(stages.values()) + speeds.rest_seconds(load)
