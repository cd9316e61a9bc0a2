"""What was learned of one model on one device: how long its stages take, and how sure that is.

Pure data and arithmetic, so that a history can be played through it in memory as well. Each stage
is learned twice: as seconds of what is exactly alike, and as a combination of the cost model's two
units, which also tells what was never seen. Beside that stand how much other work on the host slows
each stage down, and a drift that all stages share.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, log
from typing import Any

from generation.estimating.combination import Combination
from generation.estimating.cost import Demand, Demands
from generation.estimating.intervals import Band
from generation.states import Stage

REST = "rest"
"""What of an attempt belongs to no stage: claiming, opening, noting the end."""
TRUST = 0.3
"""Beside so many observations, the combination counts as one of what is alike."""
SLOWEST_GAIN = 0.15
"""What is alike follows a new observation by at least this share."""
DRIFT_GAIN = 0.25
DRIFT_GAIN_BUSY = 0.1
LOAD_GAIN = 0.35
KNOTS = (0.0, 0.25, 0.5, 1.0, 2.0)
"""Other work on the host, as runnable threads for each core, between which slowness is drawn."""
BUSY = 0.15
"""Less other work than this is none."""
BUSY_FROM = (BUSY, 0.35, 0.8, 1.5)
"""Loads from here to the next count as the same."""
TRUST_BUSY = 0.7
"""Beside so many observations under a load, what is known of the stage counts as one."""
SETTLED = 3
"""Attempts before which a surprise is no drift: too little is known."""
SMALL = frozenset({Stage.LOAD, Stage.ENCODE, Stage.WRITE, Stage.CHECK})
"""Stages without which an estimate is still one."""
AFTERWARDS = frozenset({Stage.INTERPOLATE, Stage.UPSCALE, Stage.WRITE, Stage.CHECK})
"""Stages that take as long whichever model has drawn."""
MOST = log(2.0)
"""One observation moves nothing farther than a factor of two."""
ALIKE_KEPT = 64
"""How many alike things of a stage are remembered; the latest."""


Rates = dict[str, list[float]]
"""By likeness the logarithm of a count's seconds, and how often it was seen."""


@dataclass(slots=True)
class StageSpeed:
    """One stage: on an idle host, and what other work on the host makes of it.

    `slow` is by how much, as a logarithm, that slows the stage at each of KNOTS, whatever is
    rendered; `busy` are rates of what was seen under such a load itself.
    """

    slow: list[float]
    line: Combination = field(default_factory=Combination)
    alike: Rates = field(default_factory=dict)
    busy: Rates = field(default_factory=dict)

    def learn(self, demand: Demand, seconds: float, load: float) -> None:
        """One stage that took so long with so much other work on the host."""
        seconds = max(seconds, 1e-5)
        rate = log(seconds / demand.count)
        if load >= BUSY:
            self._shift(demand, seconds, load)
            _follow(self.busy, _busy_like(demand, load), rate)
            seconds /= self.slowness(load)
            if demand.like in self.alike:
                # How it runs on an idle host is known better than through what a load makes of it.
                return
            rate = log(seconds / demand.count)
        self.line.learn(demand, seconds)
        _follow(self.alike, demand.like, rate)

    def seconds(self, demand: Demand, load: float, *, foreign: bool = False) -> float | None:
        """What such a stage will take; None when nothing was learned."""
        idle = self.line.by_volume(demand) if foreign else self._idle(demand)
        if idle is None:
            return None
        expected = log(max(idle * self.slowness(load), 1e-5))
        if load >= BUSY and (seen := self.busy.get(_busy_like(demand, load))):
            trust = seen[1] / (seen[1] + TRUST_BUSY)
            expected += trust * (seen[0] + log(demand.count) - expected)
        return exp(expected)

    def slowness(self, load: float) -> float:
        """How many times as long it takes with so much other work on the host."""
        below, share = _between(load)
        return exp(self.slow[below] * (1 - share) + self.slow[below + 1] * share)

    def evidence(self, demand: Demand) -> float:
        """How often the like was seen."""
        return self.alike.get(demand.like, (0.0, 0.0))[1]

    def _idle(self, demand: Demand) -> float | None:
        base = self.line.seconds(demand)
        if base is None or demand.like not in self.alike:
            return base
        known, evidence = self.alike[demand.like]
        trust = evidence / (evidence + TRUST)
        return exp(trust * (known + log(demand.count)) + (1 - trust) * log(max(base, 1e-5)))

    def _shift(self, demand: Demand, seconds: float, load: float) -> None:
        """Learn from one stage under load how much such a load slows the stage."""
        idle = self._idle(demand)
        if idle is None:
            return
        surprise = log(seconds / max(idle * self.slowness(load), 1e-5))
        surprise = max(-MOST, min(MOST, surprise))
        below, share = _between(load)
        parts = (1 - share, share)
        # The first knot is the idle host and stays; the weights make the step what it should be.
        whole = sum(part**2 for knot, part in zip((below, below + 1), parts, strict=True) if knot)
        for knot, part in zip((below, below + 1), parts, strict=True):
            if knot and whole:
                self.slow[knot] += LOAD_GAIN * surprise * part / whole


def _follow(rates: Rates, like: str, rate: float) -> None:
    """Let a rate follow an observation: the mean at first, later the latest ones more."""
    known, evidence = rates.pop(like, (rate, 0.0))
    evidence += 1.0
    gain = max(1.0 / evidence, SLOWEST_GAIN)
    # Written last, so that what was not seen for longest is the first to be forgotten.
    rates[like] = [known + gain * (rate - known), evidence]
    if len(rates) > ALIKE_KEPT:
        del rates[next(iter(rates))]


def _busy_like(demand: Demand, load: float) -> str:
    return f"{bisect(BUSY_FROM, load)}|{demand.like}"


@dataclass(slots=True, eq=False)
class Speeds:
    """Everything that was learned of one model on one device.

    `drift` is by how much, as a logarithm, everything takes longer lately than it did; `bands` are
    the ranges by kind of work.
    """

    kind: str = "cpu"
    stages: dict[str, StageSpeed] = field(default_factory=dict)
    drift: float = 0.0
    bands: dict[str, Band] = field(default_factory=dict)
    attempts: int = 0

    def stage_seconds(
        self,
        demands: Demands,
        *,
        cold: bool,
        load: float,
        foreign: bool = False,
        beside: Sequence[Speeds] = (),
    ) -> dict[Stage, float] | None:
        """Seconds of each stage under a host's load; None when too little is known for a guess.

        `foreign` when the demands are those of a model that these speeds were not learned of.
        `beside` are other models' speeds of the same device, for stages that no model is part of.
        """
        if not self.attempts:
            return None
        found: dict[Stage, float] = {}
        lately = exp(self.drift)
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
        self, demands: Demands, seconds: Mapping[str, float], *, cold: bool, load: float
    ) -> None:
        """One finished attempt: the seconds of each stage, and of REST, under a host's load."""
        self._drift(demands, seconds, cold, load)
        lately = exp(self.drift)
        for stage, demand in demands.items():
            if not _is_skipped(stage, demands, cold) and seconds.get(stage, 0.0) > 0:
                self._stage(stage).learn(demand, seconds[stage] / lately, load)
        self._stage(REST).learn(_REST, max(seconds.get(REST, 0.0), 1e-3), load)
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
            "bands": {work: band.as_json() for work, band in self.bands.items()},
            "attempts": self.attempts,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Speeds:
        """What `as_json` wrote."""
        return cls(
            data["kind"],
            {
                name: StageSpeed(slow, Combination(*line), alike, busy)
                for name, (slow, line, alike, busy) in data["stages"].items()
            },
            data["drift"],
            {work: Band.from_json(band) for work, band in data["bands"].items()},
            data["attempts"],
        )

    def _stage(self, name: str) -> StageSpeed:
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


def _between(load: float) -> tuple[int, float]:
    """The knot below a load, and how far it is on the way to the next."""
    for below in range(len(KNOTS) - 1):
        if load < KNOTS[below + 1]:
            return below, max(0.0, load - KNOTS[below]) / (KNOTS[below + 1] - KNOTS[below])
    return len(KNOTS) - 2, 1.0
