"""One estimate from what was learned: the seconds of each stage, their sum and its range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from generation.estimating.cost import Demands
from generation.estimating.speeds.learning import Speeds
from generation.states import Stage

THIN = 3
"""With fewer finished attempts an estimate is marked as rough."""
NEVER_SEEN = 2.0
"""How unsure an estimate is of which hardly anything like it was seen."""
FOREIGN = 1.25
"""A range from another model's speeds is so many times as wide again."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds of run time: the median, and the range that holds nine of ten.

    `evidence` counts finished attempts of the model on the device; `rough` is True when the cost
    model had to do most of the work. `load` are the seconds of loading the model in it. It holds
    for `device`, with the model to be loaded first or not (`cold`), and with so much other work on
    the host (`host_load`, runnable threads for each core).
    """

    seconds: float
    low: float
    high: float
    evidence: int
    rough: bool = False
    load: float = 0.0
    stages: Mapping[Stage, float] = field(default_factory=dict)
    device: str = ""
    cold: bool = False
    host_load: float = 0.0

    @property
    def assumed(self) -> dict[str, Any]:
        """What it holds for, as plain data."""
        return {"device": self.device, "cold": self.cold, "host_load": round(self.host_load, 3)}


def estimate_from(
    speeds: Speeds,
    demands: Demands,
    work: str,
    *,
    cold: bool,
    host_load: float,
    drift: float | None = None,
    foreign: bool = False,
    beside: Sequence[Speeds] = (),
    device: str = "",
) -> Estimate | None:
    """What a render will take; `foreign` when the speeds are another model's. None: no evidence.

    `drift` is the device's; None: the speeds' own. `beside` are what the device has learned of
    other models.
    """
    stages = speeds.stage_seconds(
        demands, cold=cold, load=host_load, drift=drift, foreign=foreign, beside=beside
    )
    if stages is None:
        return None
    seconds = sum(stages.values()) + speeds.rest_seconds(host_load)
    unsure = speeds.unsure(demands) * (FOREIGN if foreign else 1.0)
    low, high = speeds.band(work).range(seconds, unsure)
    return Estimate(
        seconds,
        low,
        high,
        evidence=0 if foreign else speeds.attempts,
        rough=foreign or speeds.attempts < THIN or unsure > NEVER_SEEN,
        load=stages.get(Stage.LOAD, 0.0) if Stage.DENOISE in demands else 0.0,
        stages=stages,
        device=device,
        cold=cold,
        host_load=host_load,
    )
