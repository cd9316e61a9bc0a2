"""What was learned of one model on one device: how long its stages take, and how sure that is.

Pure data and arithmetic, so that a history can be played through it in memory as well. Each stage
is learned twice: as seconds of what is exactly alike, and as a combination of the cost model's two
units, which also tells what was never seen. Beside that stand how much other work on the host slows
the device down, and a drift that all stages share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import exp, log
from typing import Any

from generation.estimating.cost import Demand, Demands
from generation.estimating.intervals import Band
from generation.states import Stage

REST = "rest"
"""What of an attempt belongs to no stage: claiming, opening, noting the end."""
FORGET = 0.98
"""What an observation of the two units still counts after the next one."""
PRIOR = 0.02
"""Weight of the belief that both units take equal parts of the time, until it is known."""
TRUST = 0.3
"""Beside so many observations, the combination counts as one of what is alike."""
SLOWEST_GAIN = 0.15
"""What is alike follows a new observation by at least this share."""
DRIFT_GAIN = 0.25
LOAD_GAIN = 0.35
KNOTS = (0.0, 0.25, 0.5, 1.0, 2.0)
"""Other work on the host, as runnable threads for each core, between which slowness is drawn."""
BUSY = 0.1
"""Less other work than this is none."""
MOST = log(2.0)
"""One observation moves nothing farther than a factor of two."""
ALIKE_KEPT = 64
"""How many alike things of a stage are remembered; the latest."""


@dataclass(slots=True)
class Line:
    """Seconds of a stage as a combination of count and volume, none of them negative.

    Least squares of relative errors with forgetting; the normal equations are all that is kept.
    """

    gram: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    moment: list[float] = field(default_factory=lambda: [0.0, 0.0])
    weight: float = 0.0

    def learn(self, demand: Demand, seconds: float) -> None:
        """One stage that took so long."""
        count, volume = demand.count / seconds, demand.volume / seconds
        seen = (count * count, count * volume, volume * volume)
        self.gram = [FORGET * old + new for old, new in zip(self.gram, seen, strict=True)]
        self.moment = [
            FORGET * old + new for old, new in zip(self.moment, (count, volume), strict=True)
        ]
        self.weight = FORGET * self.weight + 1.0

    def seconds(self, demand: Demand) -> float | None:
        """What such a stage will take; None when nothing was learned."""
        if not self.weight:
            return None
        a, b, d = self.gram
        e, f = self.moment
        # Half the time for each unit is the belief that a few observations overrule.
        mean_count, mean_volume = e / self.weight, f / self.weight
        if not mean_volume:
            return demand.count * e / a
        a += PRIOR * mean_count**2
        d += PRIOR * mean_volume**2
        e += PRIOR * mean_count / 2
        f += PRIOR * mean_volume / 2
        determinant = a * d - b * b
        per_count = (e * d - b * f) / determinant
        per_volume = (a * f - b * e) / determinant
        if per_count < 0:
            per_count, per_volume = 0.0, f / d
        elif per_volume < 0:
            per_count, per_volume = e / a, 0.0
        return demand.count * per_count + demand.volume * per_volume


@dataclass(slots=True)
class StageSpeed:
    """One stage: the combination; by likeness the logarithm of a count's seconds, and evidence."""

    line: Line = field(default_factory=Line)
    alike: dict[str, list[float]] = field(default_factory=dict)

    def learn(self, demand: Demand, seconds: float) -> None:
        """One stage that took so long."""
        seconds = max(seconds, 1e-5)
        self.line.learn(demand, seconds)
        rate = log(seconds / demand.count)
        known, evidence = self.alike.pop(demand.like, (rate, 0.0))
        evidence += 1.0
        gain = max(1.0 / evidence, SLOWEST_GAIN)
        self.alike[demand.like] = [known + gain * (rate - known), evidence]
        if len(self.alike) > ALIKE_KEPT:
            del self.alike[next(iter(self.alike))]

    def seconds(self, demand: Demand) -> float | None:
        """What such a stage will take; None when nothing was learned."""
        base = self.line.seconds(demand)
        if base is None:
            return None
        if demand.like not in self.alike:
            return base
        known, evidence = self.alike[demand.like]
        trust = evidence / (evidence + TRUST)
        return exp(trust * (known + log(demand.count)) + (1 - trust) * log(max(base, 1e-5)))

    def evidence(self, demand: Demand) -> float:
        """How often the like was seen."""
        return self.alike.get(demand.like, (0.0, 0.0))[1]


@dataclass(slots=True)
class Speeds:
    """Everything that was learned of one model on one device; seconds are of an idle host."""

    stages: dict[str, StageSpeed] = field(default_factory=dict)
    slow: list[float] = field(default_factory=list)
    """By how much, as a logarithm, other work slows the device at each of KNOTS."""
    drift: float = 0.0
    bands: dict[str, Band] = field(default_factory=dict)
    """By kind of work."""
    attempts: int = 0

    @classmethod
    def fresh(cls, kind: str) -> Speeds:
        """Nothing learned yet. On a CPU other work takes its share; a card minds it little."""
        return cls(slow=[log(1.0 + load) if kind == "cpu" else 0.0 for load in KNOTS])

    def stage_seconds(self, demands: Demands, *, cold: bool) -> dict[Stage, float] | None:
        """Seconds of each stage on an idle host; None when too little is known for a guess."""
        found: dict[Stage, float] = {}
        for stage, demand in demands.items():
            if stage == Stage.LOAD and Stage.DENOISE in demands and not cold:
                continue
            known = self.stages.get(stage)
            seconds = known.seconds(demand) if known else None
            if seconds is None:
                if stage in (Stage.LOAD, Stage.ENCODE, Stage.CHECK, Stage.WRITE):
                    continue
                return None
            found[stage] = seconds
        return found if self.attempts else None

    def rest_seconds(self) -> float:
        """Seconds outside of every stage."""
        known = self.stages.get(REST)
        return (known.seconds(_REST) if known else None) or 0.0

    def slowness(self, load: float) -> float:
        """How many times as long everything takes with so much other work on the host."""
        below, share = _between(load)
        return exp(self.drift + self.slow[below] * (1 - share) + self.slow[below + 1] * share)

    def unsure(self, demands: Demands) -> float:
        """How much wider than usual a range has to be: 1 for what was seen often, 3 for never."""
        main = demands.get(Stage.DENOISE) or max(demands.values(), key=lambda one: one.volume)
        stage = next(name for name, one in demands.items() if one is main)
        known = self.stages.get(stage)
        return 1.0 + 2.0 / (1.0 + (known.evidence(main) if known else 0.0))

    def learn(
        self, demands: Demands, seconds: Mapping[str, float], *, cold: bool, load: float
    ) -> None:
        """One finished attempt: the seconds of each stage, and of REST, under a host's load."""
        stages = self.stage_seconds(demands, cold=cold)
        actual = sum(seconds.values())
        if stages is not None and self.attempts >= 2:
            expected = (sum(stages.values()) + self.rest_seconds()) * self.slowness(load)
            self._shift(max(-MOST, min(MOST, log(actual / max(expected, 1e-5)))), load)
        slowness = self.slowness(load)
        for stage, demand in demands.items():
            if stage == Stage.LOAD and Stage.DENOISE in demands and not cold:
                continue
            if seconds.get(stage, 0.0) > 0:
                self._stage(stage).learn(demand, seconds[stage] / slowness)
        self._stage(REST).learn(_REST, max(seconds.get(REST, 0.0), 1e-3) / slowness)
        self.attempts += 1

    def band(self, work: str) -> Band:
        """The range of a kind of work."""
        return self.bands.setdefault(work, Band())

    def as_json(self) -> dict[str, Any]:
        """Plain data that `from_json` reads."""
        return {
            "stages": {
                name: [one.line.gram, one.line.moment, one.line.weight, one.alike]
                for name, one in self.stages.items()
            },
            "slow": self.slow,
            "drift": self.drift,
            "bands": {work: band.as_json() for work, band in self.bands.items()},
            "attempts": self.attempts,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Speeds:
        """What `as_json` wrote."""
        return cls(
            {
                name: StageSpeed(Line(gram, moment, weight), alike)
                for name, (gram, moment, weight, alike) in data["stages"].items()
            },
            data["slow"],
            data["drift"],
            {work: Band.from_json(band) for work, band in data["bands"].items()},
            data["attempts"],
        )

    def _stage(self, name: str) -> StageSpeed:
        return self.stages.setdefault(name, StageSpeed())

    def _shift(self, surprise: float, load: float) -> None:
        """Put a surprise down to the host's other work when there is some, else to a drift."""
        if load < BUSY:
            self.drift += DRIFT_GAIN * surprise
            return
        below, share = _between(load)
        parts = (1 - share, share)
        # The first knot is the idle host and stays; the weights make the step what it should be.
        whole = sum(part**2 for knot, part in zip((below, below + 1), parts, strict=True) if knot)
        for knot, part in zip((below, below + 1), parts, strict=True):
            if knot and whole:
                self.slow[knot] += LOAD_GAIN * surprise * part / whole


_REST = Demand(1.0, 0.0, "")


def _between(load: float) -> tuple[int, float]:
    """The knot below a load, and how far it is on the way to the next."""
    for below in range(len(KNOTS) - 1):
        if load < KNOTS[below + 1]:
            return below, max(0.0, load - KNOTS[below]) / (KNOTS[below + 1] - KNOTS[below])
    return len(KNOTS) - 2, 1.0
