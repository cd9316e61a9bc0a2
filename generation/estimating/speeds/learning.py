"""Learned speeds of one model on one device: the seconds of its stages and their uncertainty.

This module is pure data and arithmetic, so a backtest can use it in memory. The estimates of all
stages are multiplied by a drift, which is common to all models of the device.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, log
from typing import Any

from generation.estimating.cost import Demand, Demands
from generation.estimating.speeds.combination import Combination
from generation.estimating.speeds.intervals import Band
from generation.estimating.speeds.stage_speed import BUSY, KNOTS, MOST, StageSpeed
from generation.states import Stage

REST = "rest"
"""Time of an attempt outside of all stages: claiming, opening, recording the end."""
DRIFT_GAIN = 0.3
"""The share of an estimate's error that is added to the drift."""
DRIFT_GAIN_BUSY = 0.1
"""The same under host load, which causes most errors then."""
SETTLED = 3
"""The drift is not changed before this many attempts, because estimates are too uncertain."""
SMALL = frozenset({Stage.LOAD, Stage.ENCODE, Stage.WRITE, Stage.CHECK})
"""Stages that an estimate may leave out if nothing is known about them."""
AFTERWARDS = frozenset({Stage.INTERPOLATE, Stage.UPSCALE, Stage.WRITE, Stage.CHECK})
"""Stages whose seconds do not depend on the model."""


@dataclass(slots=True, eq=False)
class Speeds:
    """Learned speeds of one model on one device.

    `drift` is the logarithm of how much longer than usual all stages took when these speeds were
    last learned. `turn` counts the attempts learned on the device up to then, so that the speeds
    with the largest turn have the device's latest drift. `bands` has the ranges by kind of work.
    """

    kind: str = "cpu"
    stages: dict[str, StageSpeed] = field(default_factory=dict)
    drift: float = 0.0
    turn: int = 0
    bands: dict[str, Band] = field(default_factory=dict)
    attempts: int = 0

    def stage_seconds(
        self,
        demands: Demands,
        *,
        cold: bool,
        load: float,
        drift: float | None = None,
        foreign: bool = False,
        beside: Sequence[Speeds] = (),
    ) -> dict[Stage, float] | None:
        """Seconds of each stage under a host load; None if too little is known.

        `drift` is the device's drift; None means that of these speeds. `foreign` is true if the
        demands are those of another model. `beside` has the speeds of other models on the same
        device, for the stages AFTERWARDS.
        """
        if not self.attempts:
            return None
        found: dict[Stage, float] = {}
        slowdown = exp(self.drift if drift is None else drift)
        for stage, demand in demands.items():
            if _is_skipped(stage, demands, cold):
                continue
            known = self.stages.get(stage) or _known_beside(stage, beside)
            seconds = known.seconds(demand, load, foreign=foreign) if known else None
            if seconds is not None:
                found[stage] = seconds * slowdown
            elif stage not in SMALL:
                return None
        return found

    def rest_seconds(self, load: float) -> float:
        """Seconds outside of all stages."""
        known = self.stages.get(REST)
        return (known.seconds(_REST, load) if known else None) or 0.0

    def unsure(self, demands: Demands) -> float:
        """Factor of the range's width: 1 for demands seen often, 3 for demands never seen."""
        main = max(demands.items(), key=_weight)
        known = self.stages.get(main[0])
        return 1.0 + 2.0 / (1.0 + (known.evidence(main[1]) if known else 0.0))

    def learn(
        self,
        demands: Demands,
        seconds: Mapping[str, float],
        *,
        cold: bool,
        load: float,
        latest: Speeds | None = None,
    ) -> None:
        """Learn a finished attempt: the seconds of each stage, and of REST, under a host load.

        `latest` are the speeds that were learned last on the device.
        """
        if latest is not None and latest.turn > self.turn:
            self.drift, self.turn = latest.drift, latest.turn
        self.turn += 1
        self._drift(demands, seconds, cold, load)
        slowdown = exp(self.drift)
        for stage, demand in demands.items():
            if not _is_skipped(stage, demands, cold) and seconds.get(stage, 0.0) > 0:
                self.stage(stage).learn(demand, seconds[stage] / slowdown, load)
        self.stage(REST).learn(_REST, max(seconds.get(REST, 0.0), 1e-3), load)
        self.attempts += 1

    def band(self, work: str) -> Band:
        """The band of a kind of work, created if missing."""
        return self.bands.setdefault(work, Band())

    def as_json(self) -> dict[str, Any]:
        """Plain data that `from_json` reads."""
        return {
            "kind": self.kind,
            "stages": {
                name: [
                    speed.slow,
                    [speed.line.gram, speed.line.moment, speed.line.weight],
                    speed.alike,
                    speed.busy,
                ]
                for name, speed in self.stages.items()
            },
            "drift": self.drift,
            "turn": self.turn,
            "bands": {work: band.as_json() for work, band in self.bands.items()},
            "attempts": self.attempts,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Speeds:
        """Read the data of `as_json`. Older data have no turn, and a drift of each model."""
        speeds = cls(
            data["kind"],
            {
                name: StageSpeed(slow, Combination(*line), alike, busy)
                for name, (slow, line, alike, busy) in data["stages"].items()
            },
            data["drift"],
            data.get("turn", 0),
            {work: Band.from_json(band) for work, band in data["bands"].items()},
            data["attempts"],
        )
        if "turn" not in data:
            speeds._settle_drift()
        return speeds

    def _settle_drift(self) -> None:
        """Move the drift into the stages, which leaves the estimates the same."""
        for name, stage in self.stages.items():
            if name != REST:
                stage.slow_down(self.drift)
        self.drift = 0.0

    def stage(self, name: str) -> StageSpeed:
        """The speed of a stage, with nothing learned when it is new."""
        if name not in self.stages:
            # Initial assumption: other work takes its share of CPU cores and does not slow a GPU.
            slow = [log(1.0 + load) if self.kind == "cpu" else 0.0 for load in KNOTS]
            self.stages[name] = StageSpeed(slow)
        return self.stages[name]

    def _drift(
        self, demands: Demands, seconds: Mapping[str, float], cold: bool, load: float
    ) -> None:
        """Update the drift by the error of the estimate of all stages together."""
        stages = self.stage_seconds(demands, cold=cold, load=load)
        if not stages or self.attempts < SETTLED:
            return
        expected = sum(stages.values())
        actual = sum(seconds.get(stage, 0.0) for stage in stages)
        error = log(max(actual, 1e-5) / max(expected, 1e-5))
        gain = DRIFT_GAIN_BUSY if load >= BUSY else DRIFT_GAIN
        self.drift += gain * max(-MOST, min(MOST, error))


def _known_beside(stage: Stage, beside: Sequence[Speeds]) -> StageSpeed | None:
    """A stage of AFTERWARDS as learned with the model that has the most attempts."""
    if stage not in AFTERWARDS:
        return None
    candidates = [speeds for speeds in beside if stage in speeds.stages]
    return max(candidates, key=lambda speeds: speeds.attempts).stages[stage] if candidates else None


_REST = Demand(1.0, 0.0, "")


def _weight(stage: tuple[Stage, Demand]) -> tuple[bool, float]:
    """Sort key of the stage that takes most of a run: denoising, else the largest volume."""
    return stage[0] == Stage.DENOISE, stage[1].volume


def _is_skipped(stage: Stage, demands: Demands, cold: bool) -> bool:
    """Whether LOAD takes no time: a loaded model is not loaded again, but a file is always read."""
    return stage == Stage.LOAD and Stage.DENOISE in demands and not cold
