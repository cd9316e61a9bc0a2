"""The performance history kept small: the details of long ago become sums of their weeks.

An attempt's row stays; the seconds of its stages go. One without them is rolled up already, so a
second run, or another worker's, finds nothing to add.
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
"""So many rows of stages are looked at in one transaction: some hundreds of attempts."""
MOST = 20
"""So many transactions at once are enough; a backlog is worked off in several runs."""


def roll_up(now: datetime) -> int:
    """Sum up and drop the details of attempts that ended GENGA_HISTORY_DAYS ago; how many."""
    oldest = now - timedelta(days=settings.GENGA_HISTORY_DAYS)
    total = 0
    for _ in range(MOST):
        count = _roll_up_some(oldest)
        total += count
        if not count:
            break
    return total


@transaction.atomic
def _roll_up_some(oldest: datetime) -> int:
    """The oldest ones. Stages are written as attempts end, so theirs are the lowest ids."""
    first = list(StageTiming.objects.order_by("pk").values_list("attempt", flat=True)[:ROWS])
    old = Attempt.objects.filter(pk__in=set(first), finished_at__lt=oldest)
    locked = list(old.select_for_update().values_list("pk", flat=True))
    # Another worker may have rolled them up before it let go of the rows.
    left = set(StageTiming.objects.filter(attempt__in=locked).values_list("attempt", flat=True))
    _add(left)
    StageTiming.objects.filter(attempt__in=left).delete()
    return len(left)


def _add(attempts: Collection[int]) -> None:
    """Count the estimates of some attempts into their weeks."""
    weeks: dict[tuple[date, str, str, str], list[EstimatedRun]] = defaultdict(list)
    for judged in read(with_estimates(Attempt.objects.comparable().filter(pk__in=attempts))):
        key = judged.week, judged.device_name, judged.family, judged.work
        weeks[key].append(judged.estimated)
    for (week, device, family, work), told in weeks.items():
        kept, _ = AccuracyWeek.objects.get_or_create(
            week=week, device_name=device, family=family, work=work
        )
        AccuracyWeek.objects.filter(pk=kept.pk).update(
            count=F("count") + len(told),
            within=F("within") + sum(one.error <= WITHIN for one in told),
            covered=F("covered") + sum(one.covered for one in told),
            errors=F("errors") + sum(one.error for one in told),
            run_seconds=F("run_seconds") + sum(one.actual for one in told),
        )
