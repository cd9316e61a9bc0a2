"""Rollup of the performance history: old stage timings are replaced by weekly sums.

The row of an attempt is kept; its stage timings are deleted. An attempt without timings counts as
rolled up, so a second run, or one in another worker, adds nothing twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F

from generation.estimating.evaluation.accuracy import read, with_estimates
from generation.estimating.evaluation.backtest import WITHIN, EstimatedRun
from generation.models import AccuracyWeek, Attempt, StageTiming

ROWS = 2000
"""Stage timings per transaction, which belong to some hundreds of attempts."""
MAX_TRANSACTIONS = 20
"""Most transactions of one run. A larger backlog takes several runs."""


def roll_up(now: datetime) -> int:
    """Roll up attempts that ended more than GENGA_HISTORY_DAYS ago; return their number."""
    oldest = now - timedelta(days=settings.GENGA_HISTORY_DAYS)
    total = 0
    for _ in range(MAX_TRANSACTIONS):
        count = _roll_up_batch(oldest)
        total += count
        if not count:
            break
    return total


@transaction.atomic
def _roll_up_batch(oldest: datetime) -> int:
    """Roll up the oldest ones: timings are written as attempts end, so they have the lowest ids."""
    first = list(StageTiming.objects.order_by("pk").values_list("attempt", flat=True)[:ROWS])
    old = Attempt.objects.filter(pk__in=set(first), finished_at__lt=oldest)
    locked = list(old.select_for_update().values_list("pk", flat=True))
    # Another worker may have rolled them up before it released its row locks.
    left = set(StageTiming.objects.filter(attempt__in=locked).values_list("attempt", flat=True))
    _add(left)
    StageTiming.objects.filter(attempt__in=left).delete()
    return len(left)


def _add(attempts: Collection[int]) -> None:
    """Add the estimates of these attempts to their weekly sums."""
    weeks: dict[tuple[date, str, str, str], list[EstimatedRun]] = defaultdict(list)
    for judged in read(with_estimates(Attempt.objects.comparable().filter(pk__in=attempts))):
        key = judged.week, judged.device_name, judged.family, judged.work
        weeks[key].append(judged.estimated)
    for (week, device, family, work), runs in weeks.items():
        row, _ = AccuracyWeek.objects.get_or_create(
            week=week, device_name=device, family=family, work=work
        )
        AccuracyWeek.objects.filter(pk=row.pk).update(
            count=F("count") + len(runs),
            within=F("within") + sum(run.error <= WITHIN for run in runs),
            covered=F("covered") + sum(run.covered for run in runs),
            errors=F("errors") + sum(run.error for run in runs),
            run_seconds=F("run_seconds") + sum(run.actual for run in runs),
        )
