"""The accuracy page's charts: estimated against actual times, and the share within 20 % by week.

Coordinates are percent of a chart's plot: `x` from the left, `y` from the top.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import log
from typing import NamedTuple

from generation.estimating.evaluation.accuracy import Judged
from generation.estimating.evaluation.backtest import WITHIN, Accuracy
from generation.states import Work
from studio.presentation import durations
from studio.presentation.accuracy import count, day_label, percent, week_label

COARSE = (
    *((0.1, "0.1 s"), (0.3, "0.3 s"), (1, "1 s"), (3, "3 s"), (10, "10 s"), (30, "30 s")),
    *((60, "1 min"), (180, "3 min"), (600, "10 min"), (1800, "30 min")),
    *((3600, "1 h"), (10800, "3 h"), (36000, "10 h"), (86400, "1 day"), (259200, "3 days")),
)
FINE = (
    *((0.1, "0.1 s"), (0.2, "0.2 s"), (0.3, "0.3 s"), (0.5, "0.5 s"), (0.7, "0.7 s")),
    *((1, "1 s"), (1.5, "1.5 s"), (2, "2 s"), (3, "3 s"), (4, "4 s"), (5, "5 s"), (7, "7 s")),
    *((10, "10 s"), (15, "15 s"), (20, "20 s"), (30, "30 s"), (40, "40 s"), (60, "1 min")),
    *((90, "1½ min"), (120, "2 min"), (180, "3 min"), (300, "5 min"), (420, "7 min")),
    *((600, "10 min"), (900, "15 min"), (1200, "20 min"), (1800, "30 min"), (2700, "45 min")),
    *((3600, "1 h"), (5400, "1½ h"), (7200, "2 h"), (10800, "3 h"), (18000, "5 h")),
    *((28800, "8 h"), (43200, "12 h"), (86400, "1 day")),
)
FEW_TICKS = 4
APART = 13.0
"""Percent of an axis that a tick's label takes."""
MARGIN = 1.25
NARROWEST = 8.0
"""Smallest ratio of the end of an axis to its beginning."""


class Tick(NamedTuple):
    """A tick of both axes: `at` is its x on the horizontal axis, `up` its y on the vertical one."""

    at: str
    label: str
    up: str = ""


class Dot(NamedTuple):
    """One point of a chart. `mark` names its symbol, `told` is its tooltip."""

    x: str
    y: str
    mark: str
    told: str


@dataclass(frozen=True, slots=True)
class Scatter:
    """Estimated (x) against actual time (y) on equal logarithmic axes. `band` marks 20 % error."""

    dots: Sequence[Dot]
    ticks: Sequence[Tick]
    band: str
    summary: str


@dataclass(frozen=True, slots=True)
class Trend:
    """The share within 20 % by week. Lines connect neighbouring weeks that have a share."""

    lines: Sequence[str]
    points: Sequence[Dot]
    ticks: Sequence[Tick]
    summary: str


def scatter(newest: Iterable[Judged]) -> Scatter | None:
    """The chart of these estimates; None when there are none."""
    rows = list(newest)
    if not rows:
        return None
    times = [second for row in rows for second in (row.estimated.seconds, row.estimated.actual)]
    low, high = _reach(min(times), max(times))
    return Scatter(
        # The newest are drawn last, on top.
        dots=[_dot(row, low, high) for row in reversed(rows)],
        ticks=_ticks(low, high),
        band=_band(low, high),
        summary=_summary(rows),
    )


def trend(figures: Mapping[date, Accuracy]) -> Trend | None:
    """The chart of the weeks; None while fewer than two weeks have a share."""
    shares = [(monday, one.within, one.count) for monday, one in figures.items()]
    told = [(monday, within) for monday, within, _ in shares if within is not None]
    if len(told) < 2:
        return None
    last = len(shares) - 1
    lines: list[list[str]] = [[]]
    points = []
    for place, (monday, within, renders) in enumerate(shares):
        if within is None:
            lines.append([])
            continue
        x, y = 100 * place / last, 100 * (1 - within)
        lines[-1].append(f"{x:.2f},{y:.2f}")
        title = f"{week_label(monday)}: {percent(within)} of {count(renders)} within 20 %"
        points.append(Dot(f"{x:.2f}%", f"{y:.2f}%", "", title))
    first, latest = told[0], told[-1]
    return Trend(
        lines=[" ".join(line) for line in lines if len(line) > 1],
        points=points,
        ticks=[
            Tick(f"{100 * place / last:.2f}%", f"{monday:%b} {monday.day}")
            for place, (monday, _, _) in enumerate(shares)
            if place in (0, last // 2, last)
        ],
        summary=(
            f"Share of estimates within 20 % by week: {percent(first[1])} in that of "
            f"{day_label(first[0])}, {percent(latest[1])} in that of {day_label(latest[0])}."
        ),
    )


def _reach(low: float, high: float) -> tuple[float, float]:
    """Beginning and end of both axes, with a margin around the points."""
    low, high = low / MARGIN, high * MARGIN
    wider = max(1.0, NARROWEST / (high / low)) ** 0.5
    return low / wider, high * wider


def _place(seconds: float, low: float, high: float) -> float:
    return 100 * log(seconds / low) / log(high / low)


def _dot(row: Judged, low: float, high: float) -> Dot:
    seconds, actual = row.estimated.seconds, row.estimated.actual
    told = f"estimated {durations.short(seconds)}, took {durations.short(actual)}"
    return Dot(
        f"{_place(seconds, low, high):.1f}%",
        f"{100 - _place(actual, low, high):.1f}%",
        row.work,
        f"{Work(row.work).label}: {told}",
    )


def _ticks(low: float, high: float) -> list[Tick]:
    """Ticks at least APART apart, from the finer table when the coarse one gives too few."""
    for table in (COARSE, FINE):
        places: list[tuple[float, str]] = []
        for seconds, label in table:
            at = _place(seconds, low, high)
            if 0 <= at <= 100 and (not places or at - places[-1][0] >= APART):
                places.append((at, label))
        if len(places) >= FEW_TICKS:
            break
    return [Tick(f"{at:.2f}%", label, f"{100 - at:.2f}%") for at, label in places]


def _band(low: float, high: float) -> str:
    """A polygon of the points whose estimate was off by at most 20 % of the actual time."""
    quick = _place(low / (1 + WITHIN), low, high)
    slow = _place(low / (1 - WITHIN), low, high)
    corners = ((0, quick), (0, slow), (100, 100 + slow), (100, 100 + quick))
    return " ".join(f"{x:.2f},{100 - y:.2f}" for x, y in corners)


def _summary(rows: Sequence[Judged]) -> str:
    figures = Accuracy.of([row.estimated for row in rows])
    return (
        f"What was estimated against what it took, for {count(figures.count)}: "
        f"{percent(figures.within)} lie within 20 %, half of all within "
        f"{percent(figures.median_error)}."
    )
