"""Computes an estimate from learned speeds: the seconds of each stage, their sum and its range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from generation.estimating.cost import Demands
from generation.estimating.speeds.learning import Speeds
from generation.states import Stage

THIN = 3
"""An estimate from fewer finished attempts than this is marked as rough."""
NEVER_SEEN = 2.0
"""An estimate with a higher uncertainty is marked as rough: hardly any similar run is known."""
FOREIGN = 1.25
"""The factor on the uncertainty of an estimate from another model's speeds."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """Seconds of run time: the median, and the range that contains nine of ten runs.

    `evidence` counts the finished attempts of the model on the device. `rough` is True when the
    estimate comes mostly from the cost model. `load` is the part for loading the model, in seconds.
    The estimate assumes `device`, whether the model must be loaded first (`cold`), and the load of
    the host by other work (`host_load`, runnable threads per core).
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
        """The assumptions as plain data."""
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
    """Estimate the run time of a render; None without evidence.

    `foreign` is True if the speeds were learned from another model. `drift` is the device's; None
    uses the drift of `speeds`. `beside` are the speeds of other models on the device.
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
