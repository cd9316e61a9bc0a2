"""How accurate the estimates were, worded for pages and as rows of tables.

The figures come from `generation.estimating.evaluation`; the charts are in `accuracy_charts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from generation.estimating.evaluation.accuracy import Judged, Lately
from generation.estimating.evaluation.backtest import Accuracy
from generation.estimating.evaluation.misses import Miss
from generation.states import Work
from studio.presentation import durations

UNKNOWN = "–"
ENOUGH = 10
"""Renders below which the badge shows no share, because it would mean little."""


class Row(NamedTuple):
    """A row of a table of figures. `mark` names the symbol of a kind of work."""

    label: str
    renders: int
    within: str
    median: str
    mean: str
    coverage: str
    mark: str = ""


class Told(NamedTuple):
    """One estimate in words."""

    work: str
    device: str
    estimated: str
    range: str
    took: str


class Missed(NamedTuple):
    """An estimate that was far off. `job` is None when the viewer may not see it."""

    what: str
    job: UUID | None
    where: str
    at: datetime | None
    estimated: float
    took: float
    compared: str
    why: str


def badge(lately: Lately) -> str:
    """The accuracy of the last days in one line."""
    renders = count(lately.count)
    if lately.count < ENOUGH:
        return f"Estimates: learning ({renders})"
    return f"Estimates: {percent(lately.within)} within 20 % (last 7 days, {renders})"


def percent(share: float | None) -> str:
    """A share in percent, with tenths below 10 %. "100 %" only when all are counted."""
    if share is None:
        return UNKNOWN
    if share < 0.0995:
        return f"{100 * share:.1f} %"
    return f"{min(round(100 * share), 99) if share < 1 else 100 * share:.0f} %"


def count(renders: int) -> str:
    """A number of renders in words."""
    return f"{renders} render{'' if renders == 1 else 's'}"


def row(label: str, figures: Accuracy, mark: str = "") -> Row:
    """One row of a table."""
    errors = percent(figures.median_error), percent(figures.mean_error)
    return Row(
        label, figures.count, percent(figures.within), *errors, percent(figures.coverage), mark
    )


def works(figures: Mapping[str, Accuracy]) -> list[Row]:
    """Rows by kind of work, with the symbols of the chart."""
    return [row(Work(work).label, one, mark=work) for work, one in figures.items()]


def families(figures: Mapping[str, Accuracy]) -> list[Row]:
    """Rows by model family. Enhancements have none."""
    return [row(family or "None: enhanced files", one) for family, one in figures.items()]


def devices(figures: Mapping[str, Accuracy]) -> list[Row]:
    """Rows by device."""
    return [row(device, one) for device, one in figures.items()]


def weeks(figures: Mapping[date, Accuracy]) -> list[Row]:
    """Rows by week, latest first, without weeks that had no renders."""
    rows = [row(week_label(monday), one) for monday, one in figures.items() if one.count]
    return rows[::-1]


def told(judged: Judged) -> Told:
    """One estimate as a row of a table."""
    estimated = judged.estimated
    low, high = estimated.low or estimated.seconds, estimated.high or estimated.seconds
    return Told(
        Work(judged.work).label,
        judged.device_name,
        durations.short(estimated.seconds),
        durations.span(low, high),
        durations.short(estimated.actual),
    )


def missed(miss: Miss, seen: bool) -> Missed:
    """An estimate that was far off. The prompt and the job appear only when `seen` is true."""
    job = miss.attempt.job
    width, height = job.spec.delivered_size
    frames = job.spec.delivered_frames
    size = f"{width}×{height}" + (f", {frames} frames" if frames > 1 else "")
    return Missed(
        what=job.spec.prompt if seen else f"{Work(job.work).label}, {size}",
        job=job.pk if seen else None,
        where=f"{Work(job.work).label}, {size}, {miss.attempt.device_name}",
        at=miss.attempt.finished_at,
        estimated=miss.estimated.seconds,
        took=miss.estimated.actual,
        compared=_compared(miss.estimated.actual / miss.estimated.seconds),
        why=miss.explanation.say(),
    )


def _compared(factor: float) -> str:
    if factor >= 1.95:
        return f"{factor:.1f} times as long"
    return f"{percent(abs(factor - 1))} {'longer' if factor > 1 else 'shorter'}"


def day_label(day: date) -> str:
    """A day of the year, such as November 16."""
    return f"{day:%B} {day.day}"


def week_label(monday: date) -> str:
    """A week by its Monday."""
    return f"Week of {day_label(monday)}"
