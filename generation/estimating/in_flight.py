"""The time left of a run that is going on: what was estimated, put right by what it has shown.

Every step and frame says how this run's pace differs from the usual; the more of them there are,
the more they count. Stages that come later are expected to differ as much. A stage that tells no
parts and outlives what was estimated is given a share of its own age on top, so that the time left
neither stands at nothing nor jumps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from time import perf_counter

from generation.states import Stage

BELIEF = 2.0
"""So many parts of the longest stage does the estimated pace count as."""
STEADY = 3
"""Parts to watch before a pace stands for itself, where nothing was estimated."""
LONGER = 0.15
"""A stage that outlives its time is expected to take this share of its age more."""


class InFlight:
    """Seconds left, asked for at any moment.

    `estimated` has the seconds of each stage; it is empty when there is no estimate, and then
    `weights` says how the stages compare. `parts` is how many steps the denoising makes.
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
        """A stage starts now."""
        self._stage, self._share = stage, 0.0
        self._moved = self._clock()

    def move(self, share: float) -> None:
        """So much of the present stage is done, 0 to 1."""
        now = self._clock()
        done = share - self._share
        if done <= 0 or self._stage is None:
            return
        usual = (self._estimated if self._known else self._weights).get(self._stage, 0.0)
        if usual:  # a stage that nobody expected has no pace to differ from
            self._seen += 1
            self._actual += now - self._moved
            self._expected += usual * done
        self._share, self._moved = share, now

    def skip(self, share: float) -> None:
        """So much of the present stage was done before, and says nothing about the pace."""
        self._share, self._moved = share, self._clock()

    def end(self) -> None:
        """The present stage is over; one that tells no parts says how the run goes by its whole."""
        if self._stage is not None and not self._share and self._known:
            self.move(1.0)

    def left(self, later: Sequence[Stage]) -> float | None:
        """Seconds until the end, with these stages after the present one; None: nobody can tell."""
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
        """How many times as long as expected everything takes; None while nobody can tell."""
        if self._known:
            return (self._actual + self._belief) / max(self._expected + self._belief, 1e-9)
        if self._seen < STEADY or not self._expected:
            return None
        return self._actual / self._expected
