"""The learned speed of one stage of one model on one device.

The stage is learned twice: as seconds per count of equal demands (`Demand.like`), and as a
combination of the cost model's two units, which also estimates demands that were never seen. In
addition, the slowdown by other work on the host is learned.
"""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass, field
from math import exp, log

from generation.estimating.cost import Demand
from generation.estimating.speeds.combination import Combination

TRUST = 0.3
"""Weight of the combination, in observations of equal demands."""
SLOWEST_GAIN = 0.15
"""Smallest gain of a rate: it follows a new observation by at least this share."""
LOAD_GAIN = 0.35
KNOTS = (0.0, 0.25, 0.5, 1.0, 2.0)
"""Host loads, in runnable threads per core, between which the slowdown is interpolated."""
BUSY = 0.15
"""A smaller host load counts as none."""
BUSY_FROM = (BUSY, 0.35, 0.8, 1.5)
"""Lower limits of the classes of host load."""
TRUST_BUSY = 0.7
"""Weight of the estimate by `slowness`, in observations under the same class of load."""
MOST = log(2.0)
"""Largest logarithm of an error that is learned: a factor of two."""
ALIKE_KEPT = 64
"""Number of rates that a stage keeps, the latest ones."""

Rates = dict[str, list[float]]
"""For each `Demand.like`, the logarithm of the seconds per count and the observations."""


@dataclass(slots=True)
class StageSpeed:
    """The speed of one stage on an idle host, and its slowdown by other work.

    `slow` is the logarithm of the slowdown at each of KNOTS, for any demand. `alike` has the rates
    on an idle host, `busy` the rates under each class of load.
    """

    slow: list[float]
    line: Combination = field(default_factory=Combination)
    alike: Rates = field(default_factory=dict)
    busy: Rates = field(default_factory=dict)

    def learn(self, demand: Demand, seconds: float, load: float) -> None:
        """Learn the seconds of one stage under a host load."""
        seconds = max(seconds, 1e-5)
        rate = log(seconds / demand.count)
        if load >= BUSY:
            self._shift(demand, seconds, load)
            _follow(self.busy, _busy_like(demand, load), rate)
            seconds /= self.slowness(load)
            if demand.like in self.alike:
                # The rate on an idle host is known already, and better than this could tell.
                return
            rate = log(seconds / demand.count)
        self.line.learn(demand, seconds)
        _follow(self.alike, demand.like, rate)

    def seconds(self, demand: Demand, load: float, *, foreign: bool = False) -> float | None:
        """Estimated seconds of a stage; None if nothing was learned."""
        idle = self.line.by_volume(demand) if foreign else self._idle(demand)
        if idle is None:
            return None
        expected = log(max(idle * self.slowness(load), 1e-5))
        if load >= BUSY and (seen := self.busy.get(_busy_like(demand, load))):
            trust = seen[1] / (seen[1] + TRUST_BUSY)
            expected += trust * (seen[0] + log(demand.count) - expected)
        return exp(expected)

    def slow_down(self, drift: float) -> None:
        """Multiply the seconds of all demands by exp(drift)."""
        self.line.slow_down(exp(drift))
        for rate in (*self.alike.values(), *self.busy.values()):
            rate[0] += drift

    def slowness(self, load: float) -> float:
        """The factor by which a host load slows the stage down."""
        below, share = _between(load)
        return exp(self.slow[below] * (1 - share) + self.slow[below + 1] * share)

    def evidence(self, demand: Demand) -> float:
        """Number of observations of equal demands."""
        return self.alike.get(demand.like, (0.0, 0.0))[1]

    def _idle(self, demand: Demand) -> float | None:
        base = self.line.seconds(demand)
        if base is None or demand.like not in self.alike:
            return base
        known, evidence = self.alike[demand.like]
        trust = evidence / (evidence + TRUST)
        return exp(trust * (known + log(demand.count)) + (1 - trust) * log(max(base, 1e-5)))

    def _shift(self, demand: Demand, seconds: float, load: float) -> None:
        """Learn the slowdown from one stage under load."""
        idle = self._idle(demand)
        if idle is None:
            return
        error = log(seconds / max(idle * self.slowness(load), 1e-5))
        error = max(-MOST, min(MOST, error))
        below, share = _between(load)
        parts = (1 - share, share)
        # The first knot is the idle host and does not change. Dividing by the sum of squared
        # weights moves the interpolated value by LOAD_GAIN * error.
        norm = sum(part**2 for knot, part in zip((below, below + 1), parts, strict=True) if knot)
        for knot, part in zip((below, below + 1), parts, strict=True):
            if knot and norm:
                self.slow[knot] += LOAD_GAIN * error * part / norm


def _follow(rates: Rates, like: str, rate: float) -> None:
    """Update a rate: the mean at first, later an exponential moving average."""
    known, evidence = rates.pop(like, (rate, 0.0))
    evidence += 1.0
    gain = max(1.0 / evidence, SLOWEST_GAIN)
    # Inserted last, so that the rate that was not updated for longest is removed first.
    rates[like] = [known + gain * (rate - known), evidence]
    if len(rates) > ALIKE_KEPT:
        del rates[next(iter(rates))]


def _busy_like(demand: Demand, load: float) -> str:
    return f"{bisect(BUSY_FROM, load)}|{demand.like}"


def _between(load: float) -> tuple[int, float]:
    """The index of the knot below a load, and the load's position from it to the next, 0 to 1."""
    for below in range(len(KNOTS) - 1):
        if load < KNOTS[below + 1]:
            return below, max(0.0, load - KNOTS[below]) / (KNOTS[below + 1] - KNOTS[below])
    return len(KNOTS) - 2, 1.0
