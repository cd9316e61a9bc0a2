"""What was learned of one stage of one model on one device.

The stage is learned twice: as seconds of what is exactly alike, and as a combination of the cost
model's two units, which also tells what was never seen. Beside that stands how much other work on
the host slows the stage down.
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass, field
from math import exp, log

from generation.estimating.cost import Demand
from generation.estimating.speeds.combination import Combination

TRUST = 0.3
"""Beside so many observations, the combination counts as one of what is alike."""
SLOWEST_GAIN = 0.15
"""What is alike follows a new observation by at least this share."""
LOAD_GAIN = 0.35
KNOTS = (0.0, 0.25, 0.5, 1.0, 2.0)
"""Other work on the host, as runnable threads for each core, between which slowness is drawn."""
BUSY = 0.15
"""Less other work than this is none."""
BUSY_FROM = (BUSY, 0.35, 0.8, 1.5)
"""Loads from here to the next count as the same."""
TRUST_BUSY = 0.7
"""Beside so many observations under a load, what is known of the stage counts as one."""
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

    def slow_down(self, drift: float) -> None:
        """Let the stage take longer by so much, as a logarithm, whatever is asked."""
        self.line.slow_down(exp(drift))
        for rate in (*self.alike.values(), *self.busy.values()):
            rate[0] += drift

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


def _between(load: float) -> tuple[int, float]:
    """The knot below a load, and how far it is on the way to the next."""
    for below in range(len(KNOTS) - 1):
        if load < KNOTS[below + 1]:
            return below, max(0.0, load - KNOTS[below]) / (KNOTS[below + 1] - KNOTS[below])
    return len(KNOTS) - 2, 1.0
