"""The time left of a running attempt: the estimate, corrected by the run's pace so far.

Every step and frame shows the ratio of this run's pace to the estimated one. The more parts were
observed, the more their pace counts; later stages are scaled by the same pace. If a stage takes
longer than estimated, a share of its age is added, so that the time left neither stays at zero nor
jumps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

from generation.states import Stage

BELIEF = 2.0
"""Weight of the estimated pace, in parts of the longest stage."""
STEADY = 3
"""Parts to observe before a pace is known, if there is no estimate."""
LONGER = 0.15
"""A stage that exceeds its estimate is expected to take this share of its age longer."""


class InFlight:
    """Computes the seconds left of a run.

    `estimated` has the seconds of each stage. It is empty if there is no estimate; `weights` then
    gives the relative durations of the stages. `parts` is the number of denoising steps.
    """

    def __init__(
        self,
        estimated: Mapping[Stage, float],
        weights: Mapping[Stage, float],
        parts: int,
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self._estimated = dict(estimated)
        self._known = bool(estimated)
        self._weights = dict(weights)
        self._clock = clock
        longest = max(self._estimated.values(), default=0.0)
        self._belief = BELIEF * longest / max(1, parts)
        self._actual = self._expected = 0.0
        self._seen = 0
        self._stage: Stage | None = None
        self._share = 0.0
        self._moved = clock()

    def begin(self, stage: Stage) -> None:
        """Start a stage."""
        self._stage, self._share = stage, 0.0
        self._moved = self._clock()

    def move(self, share: float) -> None:
        """Report the completed share of the present stage, 0 to 1."""
        now = self._clock()
        done = share - self._share
        if done <= 0 or self._stage is None:
            return
        usual = (self._estimated if self._known else self._weights).get(self._stage, 0.0)
        if usual:  # A stage without an estimate has no pace to compare with.
            self._seen += 1
            self._actual += now - self._moved
            self._expected += usual * done
        self._share, self._moved = share, now

    def skip(self, share: float) -> None:
        """Report a share that an earlier attempt completed, which does not affect the pace."""
        self._share, self._moved = share, self._clock()

    def end(self) -> None:
        """End the present stage. If it reported no parts, its whole duration affects the pace."""
        if self._stage is not None and not self._share and self._known:
            self.move(1.0)

    def left(self, later: Sequence[Stage]) -> float | None:
        """Seconds until the end, with these stages after the present one; None if unknown."""
        pace = self.pace
        expected = self._estimated if self._known else self._weights
        if pace is None or self._stage is None:
            return None
        rest = sum(expected.get(stage, 0.0) for stage in later) * pace
        here = expected.get(self._stage, 0.0) * (1.0 - self._share) * pace
        waited = self._clock() - self._moved
        return max(here - waited, LONGER * waited if here else 0.0) + rest

    @property
    def pace(self) -> float | None:
        """The ratio of actual to expected time; None if unknown."""
        if self._known:
            return (self._actual + self._belief) / max(self._expected + self._belief, 1e-9)
        if self._seen < STEADY or not self._expected:
            return None
        return self._actual / self._expected
