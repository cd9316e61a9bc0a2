"""How consistent a clip's frames are: a label, a chart over its frames, and a table.

`generation.quality.consistency` made the measures, which are stored as JSON with the output.
Coordinates are percent of the plot: `x` from the first frame, `y` from the largest value down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import NamedTuple

from generation.models import Output

SMALLEST_TOP = 0.06
"""Smallest top of the plot, so that the noise of a steady clip stays a low line."""

STEADY, RESTLESS = 85.0, 60.0
"""Lowest scores of the two better labels. Smooth motion scores above 90, brightness that pumps by
a fiftieth about 65."""


class Words(NamedTuple):
    """A label with its icon, and the state whose colour it takes."""

    icon: str
    label: str
    tone: str


class Jump(NamedTuple):
    """A frame that does not follow from the one before. `frame` counts from 0, `number` from 1."""

    frame: int
    number: int
    x: str


class Row(NamedTuple):
    """The measures of one frame. The first has no change and no flicker, as nothing precedes it."""

    number: int
    warp_error: float | None
    flicker: float | None
    drift: float | None
    jumps: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """What the chart's template shows. `score` is 0 to 100."""

    frames: int
    score: int
    words: Words
    warp_error: str
    flicker: str
    jumps: list[Jump]
    rows: list[Row]

    @property
    def summary(self) -> str:
        """The chart in one sentence, for screen readers."""
        where = ", ".join(str(jump.number) for jump in self.jumps)
        plural = "s" if len(self.jumps) > 1 else ""
        told = f"jumps at frame{plural} {where}" if where else "no frame jumps"
        return f"{self.words.label}, {self.score} of 100; {told}."


def chart(output: Output | None) -> Chart | None:
    """The chart of a clip; None for an output without measures or with a single frame."""
    measured = (output.consistency if output else None) or {}
    errors = measured.get("warp_error") or []
    flicker = measured.get("flicker") or []
    if not errors:
        return None
    frames = len(errors) + 1
    top = max([SMALLEST_TOP, *errors, *flicker])
    jumps = measured.get("jumps") or []
    score = float(measured.get("score") or 0.0)
    return Chart(
        frames=frames,
        # Rounded down: 84.6 must not show as 85 next to the label for less than 85.
        score=int(score),
        words=_words(score),
        warp_error=_points(errors, top),
        flicker=_points(flicker, top),
        jumps=[Jump(index, index + 1, _percent(index, frames - 1)) for index in jumps],
        rows=_rows(errors, flicker, measured.get("identity_drift") or [], set(jumps)),
    )


def _words(score: float) -> Words:
    if score >= STEADY:
        return Words("●", "Steady", "completed")
    if score >= RESTLESS:
        return Words("◐", "Slightly restless", "paused")
    return Words("◆", "Restless", "failed")


def _points(values: Sequence[float], top: float) -> str:
    """A polyline's points. The value between two frames is at the second of them."""
    last = len(values)
    return " ".join(
        f"{_share(frame, last)},{_share(top - value, top)}" for frame, value in enumerate(values, 1)
    )


def _rows(
    errors: Sequence[float], flicker: Sequence[float], drift: Sequence[float], jumps: set[int]
) -> list[Row]:
    measures = zip_longest([None, *errors], [None, *flicker], drift)
    return [Row(index + 1, *each, index in jumps) for index, each in enumerate(measures)]


def _share(part: float, whole: float) -> str:
    return f"{100 * part / whole:.2f}"


def _percent(part: float, whole: float) -> str:
    return f"{_share(part, whole)}%"
