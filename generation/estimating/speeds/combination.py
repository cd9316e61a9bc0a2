"""Seconds as a combination of the cost model's two units, learned by least squares."""

from __future__ import annotations

from dataclasses import dataclass, field

from generation.estimating.cost import Demand

FORGET = 0.98
"""Factor of the weight of all earlier observations at each new one."""
PRIOR = 0.02
"""Weight of the prior that both units take equal parts of the time."""


@dataclass(slots=True)
class Combination:
    """Seconds of a stage as a combination of count and volume with non-negative coefficients.

    Least squares of relative errors with forgetting. Only the normal equations are stored.
    """

    gram: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    moment: list[float] = field(default_factory=lambda: [0.0, 0.0])
    weight: float = 0.0

    def learn(self, demand: Demand, seconds: float) -> None:
        """Learn the seconds of one stage."""
        count, volume = demand.count / seconds, demand.volume / seconds
        seen = (count * count, count * volume, volume * volume)
        self.gram = [FORGET * old + new for old, new in zip(self.gram, seen, strict=True)]
        self.moment = [
            FORGET * old + new for old, new in zip(self.moment, (count, volume), strict=True)
        ]
        self.weight = FORGET * self.weight + 1.0

    def slow_down(self, factor: float) -> None:
        """Multiply all estimates by a factor, as if all observations had been so."""
        self.gram = [value / factor**2 for value in self.gram]
        self.moment = [value / factor for value in self.moment]

    def by_volume(self, demand: Demand) -> float | None:
        """Estimated seconds of another model's stage, by volume, as counts are not comparable."""
        if not self.weight:
            return None
        if not self.gram[2] or not demand.volume:
            return self.seconds(demand)
        return demand.volume * self.moment[1] / self.gram[2]

    def seconds(self, demand: Demand) -> float | None:
        """Estimated seconds of a stage; None if nothing was learned."""
        if not self.weight:
            return None
        a, b, d = self.gram
        e, f = self.moment
        # The prior gives each unit half of the time; a few observations overrule it.
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
