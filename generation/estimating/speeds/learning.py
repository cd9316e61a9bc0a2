"""What was learned of one model on one device: how long its stages take, and how sure that is.

Pure data and arithmetic, so that a history can be played through it in memory as well. To what each
stage has shown comes a drift, which all stages share, and all models of the device.
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
"""What of an attempt belongs to no stage: claiming, opening, noting the end."""
DRIFT_GAIN = 0.3
"""The share of a surprise that the drift follows at once."""
DRIFT_GAIN_BUSY = 0.1
"""The same beside other work on the host, of which most surprises come then."""
SETTLED = 3
"""Attempts before which a surprise is no drift: too little is known."""
SMALL = frozenset({Stage.LOAD, Stage.ENCODE, Stage.WRITE, Stage.CHECK})
"""Stages without which an estimate is still one."""
AFTERWARDS = frozenset({Stage.INTERPOLATE, Stage.UPSCALE, Stage.WRITE, Stage.CHECK})
"""Stages that take as long whichever model has drawn."""


@dataclass(slots=True, eq=False)
class Speeds:
    """Everything that was learned of one model on one device.

    `drift` is by how much, as a logarithm, everything took longer than usual when these speeds were
    last learned, and `turn` the place of that among all that was learned on the device: what was
    learned last, of whichever model, knows the device's drift. `bands` are the ranges by kind of
    work.
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
        """Seconds of each stage under a host's load; None when too little is known for a guess.

        `drift` is the device's; None: as it was when these speeds were last learned. `foreign` when
        the demands are those of a model that these speeds were not learned of.
        `beside` are other models' speeds of the same device, for stages that no model is part of.
        """
        if not self.attempts:
            return None
        found: dict[Stage, float] = {}
        lately = exp(self.drift if drift is None else drift)
        for stage, demand in demands.items():
            if _is_skipped(stage, demands, cold):
                continue
            known = self.stages.get(stage) or _known_beside(stage, beside)
            seconds = known.seconds(demand, load, foreign=foreign) if known else None
            if seconds is not None:
                found[stage] = seconds * lately
            elif stage not in SMALL:
                return None
        return found

    def rest_seconds(self, load: float) -> float:
        """Seconds outside of every stage."""
        known = self.stages.get(REST)
        return (known.seconds(_REST, load) if known else None) or 0.0

    def unsure(self, demands: Demands) -> float:
        """How much wider than usual a range has to be: 1 for what was seen often, 3 for never."""
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
        """One finished attempt: the seconds of each stage, and of REST, under a host's load.

        `latest` are the speeds that were learned last on the device.
        """
        if latest is not None and latest.turn > self.turn:
            self.drift, self.turn = latest.drift, latest.turn
        self.turn += 1
        self._drift(demands, seconds, cold, load)
        lately = exp(self.drift)
        for stage, demand in demands.items():
            if not _is_skipped(stage, demands, cold) and seconds.get(stage, 0.0) > 0:
                self.stage(stage).learn(demand, seconds[stage] / lately, load)
        self.stage(REST).learn(_REST, max(seconds.get(REST, 0.0), 1e-3), load)
        self.attempts += 1

    def band(self, work: str) -> Band:
        """The range of a kind of work."""
        return self.bands.setdefault(work, Band())

    def as_json(self) -> dict[str, Any]:
        """Plain data that `from_json` reads."""
        return {
            "kind": self.kind,
            "stages": {
                name: [
                    one.slow,
                    [one.line.gram, one.line.moment, one.line.weight],
                    one.alike,
                    one.busy,
                ]
                for name, one in self.stages.items()
            },
            "drift": self.drift,
            "turn": self.turn,
            "bands": {work: band.as_json() for work, band in self.bands.items()},
            "attempts": self.attempts,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Speeds:
        """What `as_json` wrote; an older version wrote no turn, and a drift of each model's own."""
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
        """Take the drift into the stages, so that they mean the same without it."""
        for name, stage in self.stages.items():
            if name != REST:
                stage.slow_down(self.drift)
        self.drift = 0.0

    def stage(self, name: str) -> StageSpeed:
        """The speed of a stage, with nothing learned when it is new."""
        if name not in self.stages:
            # On a CPU other work takes its share of the cores; a card minds it little.
            slow = [log(1.0 + load) if self.kind == "cpu" else 0.0 for load in KNOTS]
            self.stages[name] = StageSpeed(slow)
        return self.stages[name]

    def _drift(
        self, demands: Demands, seconds: Mapping[str, float], cold: bool, load: float
    ) -> None:
        """Follow what all stages together took longer or shorter than expected."""
        stages = self.stage_seconds(demands, cold=cold, load=load)
        if not stages or self.attempts < SETTLED:
            return
        expected = sum(stages.values())
        actual = sum(seconds.get(stage, 0.0) for stage in stages)
        surprise = log(max(actual, 1e-5) / max(expected, 1e-5))
        gain = DRIFT_GAIN_BUSY if load >= BUSY else DRIFT_GAIN
        self.drift += gain * max(-MOST, min(MOST, surprise))


def _known_beside(stage: Stage, beside: Sequence[Speeds]) -> StageSpeed | None:
    """A stage after the drawing, as learned of the model that was rendered most often."""
    if stage not in AFTERWARDS:
        return None
    knowing = [speeds for speeds in beside if stage in speeds.stages]
    return max(knowing, key=lambda one: one.attempts).stages[stage] if knowing else None


_REST = Demand(1.0, 0.0, "")


def _weight(stage: tuple[Stage, Demand]) -> tuple[bool, float]:
    """The stage that most of a run goes to: the denoising, else the largest volume."""
    return stage[0] == Stage.DENOISE, stage[1].volume


def _is_skipped(stage: Stage, demands: Demands, cold: bool) -> bool:
    """A model that is loaded already costs no loading; reading a finished file always does."""
    return stage == Stage.LOAD and Stage.DENOISE in demands and not cold
