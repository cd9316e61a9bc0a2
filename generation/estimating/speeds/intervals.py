"""Ranges of estimates with a guaranteed coverage, by adaptive conformal inference.

The width of a range is a quantile of the errors of the latest estimates of the same kind of work.
The quantile adapts to how often the actual time was outside: Gibbs & Candès 2021, "Adaptive
Conformal Inference Under Distribution Shift", equation 2. So the coverage stays at 90 % when the
machine's load drifts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil, exp, log

MISSED = 0.10
"""The share of actual times that may be outside of the range."""
PACE = 0.05
"""Step size of the quantile at each miss or hit (gamma in the paper)."""
MEMORY = 100
"""Number of errors that are kept."""
FEW = 5
"""With fewer errors than this, the range has the fixed width WIDE."""
WIDE = log(1.5)
NARROWEST = log(1.01)


@dataclass(slots=True)
class Band:
    """Errors as |log(actual / estimate)|, each divided by `unsure`, the estimate's width factor."""

    errors: list[float] = field(default_factory=list)
    level: float = MISSED

    def width(self, unsure: float = 1.0) -> float:
        """Half the width of the range, as a logarithm."""
        if len(self.errors) < FEW:
            return WIDE * unsure
        # The level may leave the interval 0 to 1, as in the paper. The index is then out of bounds.
        ordered = sorted(self.errors)
        place = ceil((len(ordered) + 1) * (1.0 - self.level)) - 1
        if place >= len(ordered):
            return max(NARROWEST, ordered[-1] * 1.25) * unsure
        return max(NARROWEST, ordered[max(0, place)]) * unsure

    def range(self, seconds: float, unsure: float = 1.0) -> tuple[float, float]:
        """Lower and upper end of the range around an estimate, in seconds."""
        factor = exp(self.width(unsure))
        return seconds / factor, seconds * factor

    def learn(self, error: float, inside: bool, unsure: float = 1.0) -> None:
        """Learn the error of an estimate, and whether the actual time was inside the range."""
        self.errors.append(abs(error) / unsure)
        del self.errors[:-MEMORY]
        if len(self.errors) > FEW:
            self.level += PACE * (MISSED - (not inside))

    def as_json(self) -> list[float]:
        """Plain data that `from_json` reads."""
        return [self.level, *(round(error, 5) for error in self.errors)]

    @classmethod
    def from_json(cls, data: Iterable[float]) -> Band:
        """Read the data of `as_json`."""
        level, *errors = data
        return cls(errors, level)
