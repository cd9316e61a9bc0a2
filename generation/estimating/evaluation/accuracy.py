"""How true the estimates were: what was estimated at the submit against what it took.

Judged are completed attempts that ran alone and from the start, and whose job had an estimate.
Those of long ago are kept as sums of their weeks (`rollup`): they have no median any more.
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
"""So many weeks are reported, the present one among them."""
NEWEST = 2000
"""At most so many estimates are told one by one."""
WORST = 10
LATELY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Judged:
    """One attempt and what was estimated of it. `load` are the seconds of loading the model."""

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
        """How far off as a logarithm: twice as long counts as much as half as long."""
        return abs(log(self.estimated.actual / self.estimated.seconds))


@dataclass(frozen=True, slots=True)
class Lately:
    """The last days in two numbers; `within` is the share that counts as right."""

    count: int
    within: float


@dataclass(frozen=True, slots=True)
class Report:
    """Figures of the last weeks. `newest` has the latest estimates, the newest first."""

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
    """Everything that the accuracy page tells."""
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
    """The figures since a moment, of attempts whose details are still there."""
    return Accuracy.of([row.estimated for row in read(judged(moment))])


def lately(now: datetime) -> Lately:
    """How the last days' estimates did, in one query."""
    off = Abs(F("job__estimated_seconds") - F("run_seconds"))
    found = (
        judged(now - LATELY)
        .annotate(off=off, allowed=F("run_seconds") * WITHIN)
        .aggregate(count=Count("pk"), right=Count("pk", filter=Q(off__lte=F("allowed"))))
    )
    return Lately(found["count"], found["right"] / found["count"] if found["count"] else 0.0)


def judged(moment: datetime) -> AttemptQuerySet:
    """Attempts since a moment that say whether their estimates were true, and have details yet."""
    # Asked of the job, whose table has an index for it; both end in one transaction.
    recent = with_estimates(Attempt.objects.comparable()).filter(
        job__status=Status.COMPLETED, job__finished_at__gte=moment
    )
    return recent.filter(Exists(StageTiming.objects.filter(attempt=OuterRef("pk"))))


def with_estimates(attempts: AttemptQuerySet) -> AttemptQuerySet:
    """Those of some attempts whose job had an estimate with a range."""
    return attempts.filter(
        run_seconds__gt=0,
        job__estimated_seconds__gt=0,
        job__estimated_low__isnull=False,
        job__estimated_high__isnull=False,
    )


def read(attempts: AttemptQuerySet) -> list[Judged]:
    """Some attempts with what was estimated of them, the newest first."""
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
    """The Monday of a moment's week."""
    day = moment.astimezone(UTC).date()
    return day - timedelta(days=day.weekday())


def merged(estimated: Sequence[EstimatedRun], rolled: Iterable[AccuracyWeek]) -> Accuracy:
    """The figures of some estimates and of weeks that are sums already.

    The median is that of the estimates alone; None where there are none.
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
    """Figures by an attribute that estimates and summed weeks both have."""
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
    """The estimates that were farthest off, the worst first; none that counts as right."""
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
