"""One estimate from what was learned: the seconds of each stage, their sum and its range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from generation.estimating.cost import Demands
from generation.estimating.learning import Speeds
from generation.states import Stage

THIN = 3
"""With fewer finished attempts an estimate is marked as rough."""
NEVER_SEEN = 2.0
"""How unsure an estimate is of which hardly anything like it was seen."""
FOREIGN = 1.25
"""A range from another model's speeds is so many times as wide again."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Seconds of run time: the median, and the range that holds nine of ten.

    `evidence` counts finished attempts of the model on the device; `rough` is True when the cost
    model had to do most of the work. `load` are the seconds of loading the model in it.
    """

    seconds: float
    low: float
    high: float
    evidence: int
    rough: bool = False
    load: float = 0.0
    stages: Mapping[Stage, float] = field(default_factory=dict)


def foretell(
    speeds: Speeds,
    demands: Demands,
    work: str,
    *,
    cold: bool,
    host_load: float,
    foreign: bool = False,
) -> Prediction | None:
    """What a render will take; `foreign` when the speeds are another model's. None: no evidence."""
    stages = speeds.stage_seconds(demands, cold=cold, load=host_load, foreign=foreign)
    if stages is None:
        return None
    seconds = sum(stages.values()) + speeds.rest_seconds(host_load)
    unsure = speeds.unsure(demands) * (FOREIGN if foreign else 1.0)
    low, high = speeds.band(work).range(seconds, unsure)
    return Prediction(
        seconds,
        low,
        high,
        evidence=0 if foreign else speeds.attempts,
        rough=foreign or speeds.attempts < THIN or unsure > NEVER_SEEN,
        load=stages.get(Stage.LOAD, 0.0) if Stage.DENOISE in demands else 0.0,
        stages=stages,
    )
