"""Ranges that hold what they promise: adaptive conformal estimate.

A range is as wide as the errors of the latest estimates of its kind were, at a quantile that
itself follows how often the actual time fell outside: Gibbs & Candès 2021, "Adaptive Conformal
Inference Under Distribution Shift", equation 2. So 90 % stays 90 % when the machine's load drifts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil, exp, log

MISSED = 0.10
"""The share of actual times that may lie outside of the range."""
PACE = 0.05
"""How strongly one miss or hit moves the quantile (the paper's gamma)."""
MEMORY = 100
"""Errors that are remembered."""
FEW = 5
"""With fewer errors than this the range is a guess, and wide."""
WIDE = log(1.5)
NARROWEST = log(1.01)


@dataclass(slots=True)
class Band:
    """Errors as |log(actual / estimate)|, each divided by how unsure the estimate was."""

    errors: list[float] = field(default_factory=list)
    level: float = MISSED

    def width(self, unsure: float = 1.0) -> float:
        """Half the width of the range as a logarithm."""
        if len(self.errors) < FEW:
            return WIDE * unsure
        # The paper lets the level leave 0 to 1: everything, or nothing, is then inside.
        ordered = sorted(self.errors)
        place = ceil((len(ordered) + 1) * (1.0 - self.level)) - 1
        if place >= len(ordered):
            return max(NARROWEST, ordered[-1] * 1.25) * unsure
        return max(NARROWEST, ordered[max(0, place)]) * unsure

    def range(self, seconds: float, unsure: float = 1.0) -> tuple[float, float]:
        """From and to, in seconds, around an estimate."""
        factor = exp(self.width(unsure))
        return seconds / factor, seconds * factor

    def learn(self, error: float, inside: bool, unsure: float = 1.0) -> None:
        """One more actual time: how far off the estimate was and whether the range held it."""
        self.errors.append(abs(error) / unsure)
        del self.errors[:-MEMORY]
        if len(self.errors) > FEW:
            self.level += PACE * (MISSED - (not inside))

    def as_json(self) -> list[float]:
        """Plain data that `from_json` reads."""
        return [self.level, *(round(error, 5) for error in self.errors)]

    @classmethod
    def from_json(cls, data: Iterable[float]) -> Band:
        """What `as_json` wrote."""
        level, *errors = data
        return cls(errors, level)
