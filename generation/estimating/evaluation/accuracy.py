"""Accuracy of estimates: the run time estimated at submit against the actual one.

Only completed attempts that ran alone and from the start, and whose job had an estimate, are
evaluated. Old attempts are kept as weekly sums (`rollup`), which have no median.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import log
from statistics import median
from typing import Any
from uuid import UUID

from django.db.models import Count, Exists, F, OuterRef, Q
from django.db.models.functions import Abs

from generation.estimating.evaluation.backtest import WITHIN, Accuracy, EstimatedRun
from generation.estimating.evaluation.misses import Miss, earlier_alike
from generation.models import AccuracyWeek, Attempt, StageTiming
from generation.models.attempt import AttemptQuerySet
from generation.states import Status

WEEKS = 12
"""Number of weeks in the report, including the present one."""
NEWEST = 2000
"""Most estimates that the report lists one by one."""
WORST = 10
LATELY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Judged:
    """One attempt with its estimate. `load` is the seconds of loading the model."""

    attempt: int
    job: UUID
    week: date
    device_name: str
    family: str
    work: str
    model: int
    cold: bool
    load: float
    estimated: EstimatedRun

    @property
    def miss(self) -> float:
        """Absolute logarithm of actual over estimate, so that double and half are equally bad."""
        return abs(log(self.estimated.actual / self.estimated.seconds))


@dataclass(frozen=True, slots=True)
class Lately:
    """Accuracy of the last days. `within` is the share of errors of at most 20 %."""

    count: int
    within: float


@dataclass(frozen=True, slots=True)
class Report:
    """Accuracy of the last WEEKS weeks. `newest` has the latest estimates, the newest first."""

    overall: Accuracy
    by_week: dict[date, Accuracy]
    by_device: dict[str, Accuracy]
    by_family: dict[str, Accuracy]
    by_work: dict[str, Accuracy]
    newest: Sequence[Judged]
    misses: Sequence[Miss]


_FIELDS = (
    *("pk", "job_id", "finished_at", "device_name", "job__family", "job__work", "job__model_id"),
    *("cold", "load_seconds", "job__estimated_seconds", "run_seconds"),
    *("job__estimated_low", "job__estimated_high"),
)


def report(now: datetime) -> Report:
    """The data of the accuracy page."""
    first = week_of(now) - timedelta(weeks=WEEKS - 1)
    rows = read(judged(datetime.combine(first, time(), UTC)))
    rolled = list(AccuracyWeek.objects.filter(week__gte=first))
    by_week = _grouped(rows, rolled, "week")
    nothing = Accuracy.of([])
    weeks = [first + timedelta(weeks=number) for number in range(WEEKS)]
    return Report(
        overall=merged([row.estimated for row in rows], rolled),
        by_week={week: by_week.get(week, nothing) for week in weeks},
        by_device=_largest_first(_grouped(rows, rolled, "device_name")),
        by_family=_largest_first(_grouped(rows, rolled, "family")),
        by_work=_largest_first(_grouped(rows, rolled, "work")),
        newest=rows[:NEWEST],
        misses=_worst(rows),
    )


def since(moment: datetime) -> Accuracy:
    """Accuracy since a moment, of attempts that are not rolled up."""
    return Accuracy.of([row.estimated for row in read(judged(moment))])


def lately(now: datetime) -> Lately:
    """Accuracy of the last days, in one query."""
    off = Abs(F("job__estimated_seconds") - F("run_seconds"))
    found = (
        judged(now - LATELY)
        .annotate(off=off, allowed=F("run_seconds") * WITHIN)
        .aggregate(count=Count("pk"), right=Count("pk", filter=Q(off__lte=F("allowed"))))
    )
    return Lately(found["count"], found["right"] / found["count"] if found["count"] else 0.0)


def judged(moment: datetime) -> AttemptQuerySet:
    """Attempts since a moment that can be evaluated and are not rolled up."""
    # Filtered by the job's end, which is indexed. Job and attempt end in one transaction.
    recent = with_estimates(Attempt.objects.comparable()).filter(
        job__status=Status.COMPLETED, job__finished_at__gte=moment
    )
    return recent.filter(Exists(StageTiming.objects.filter(attempt=OuterRef("pk"))))


def with_estimates(attempts: AttemptQuerySet) -> AttemptQuerySet:
    """Filter the attempts whose job had an estimate with a range."""
    return attempts.filter(
        run_seconds__gt=0,
        job__estimated_seconds__gt=0,
        job__estimated_low__isnull=False,
        job__estimated_high__isnull=False,
    )


def read(attempts: AttemptQuerySet) -> list[Judged]:
    """Read attempts with their estimates, the newest first."""
    found = attempts.order_by("-job__finished_at").values_list(*_FIELDS)
    return [
        Judged(
            *(attempt, job, week_of(finished), device, family, work, model),
            cold=bool(cold),
            load=load,
            estimated=EstimatedRun(*times),
        )
        for attempt, job, finished, device, family, work, model, cold, load, *times in found
    ]


def week_of(moment: datetime) -> date:
    """The Monday of the week of a moment."""
    day = moment.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def merged(estimated: Sequence[EstimatedRun], rolled: Iterable[AccuracyWeek]) -> Accuracy:
    """The accuracy of single estimates and of weekly sums together.

    The median is that of the single estimates; None if there are none.
    """
    live, weeks = Accuracy.of(estimated), list(rolled)
    count = live.count + sum(week.count for week in weeks)
    if not count:
        return live

    def share(of_live: float | None, of_weeks: float) -> float:
        return ((of_live or 0.0) * live.count + of_weeks) / count

    return Accuracy(
        count,
        within=share(live.within, sum(week.within for week in weeks)),
        mean_error=share(live.mean_error, sum(week.errors for week in weeks)),
        median_error=live.median_error,
        coverage=share(live.coverage, sum(week.covered for week in weeks)),
    )


def _grouped(
    rows: Iterable[Judged], rolled: Iterable[AccuracyWeek], attribute: str
) -> dict[Any, Accuracy]:
    """Accuracy by an attribute that `Judged` and `AccuracyWeek` both have."""
    estimated: dict[Any, list[EstimatedRun]] = defaultdict(list)
    weeks: dict[Any, list[AccuracyWeek]] = defaultdict(list)
    for row in rows:
        estimated[getattr(row, attribute)].append(row.estimated)
    for week in rolled:
        weeks[getattr(week, attribute)].append(week)
    keys = sorted({*estimated, *weeks})
    return {key: merged(estimated.get(key, ()), weeks.get(key, ())) for key in keys}


def _largest_first(figures: dict[str, Accuracy]) -> dict[str, Accuracy]:
    return dict(sorted(figures.items(), key=lambda item: -item[1].count))


def _worst(rows: Sequence[Judged]) -> list[Miss]:
    """The estimates with the largest `miss`, the worst first, without those within 20 %."""
    missed = [row for row in rows if row.estimated.error > WITHIN]
    worst = sorted(missed, key=lambda row: -row.miss)[:WORST]
    attempts = Attempt.objects.select_related("job").in_bulk([row.attempt for row in worst])
    loads: dict[tuple[str, int], list[float]] = defaultdict(list)
    for row in rows:
        if row.cold:
            loads[row.device_name, row.model].append(row.load)
    found = []
    for row in worst:
        usual = loads.get((row.device_name, row.model))
        attempt = attempts[row.attempt]
        load = median(usual) if usual else None
        earlier, assumed = earlier_alike(attempt), attempt.job.assumed
        found.append(Miss(attempt, row.estimated, load, earlier, assumed))
    return found
