"""The accuracy page: estimated times against measured times."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from generation.estimating.evaluation.accuracy import WEEKS, report
from studio.accounts import access
from studio.accounts.person_request import PersonRequest
from studio.presentation import accuracy as shown
from studio.presentation import accuracy_charts

TOLD_AS_TABLE = 50


@login_required
def accuracy(request: PersonRequest) -> HttpResponse:
    """Show figures of all renders, but prompts and links only of those that the person may see."""
    found = report(timezone.now())
    jobs = [miss.attempt.job_id for miss in found.misses]
    visible = access.visible_jobs(request.user).filter(pk__in=jobs)
    seen = set(visible.values_list("pk", flat=True))
    context = {
        "weeks_told": WEEKS,
        "overall": shown.row("All", found.overall),
        "scatter": accuracy_charts.scatter(found.newest),
        "trend": accuracy_charts.trend(found.by_week),
        "works": shown.works(found.by_work),
        "devices": shown.devices(found.by_device),
        "families": shown.families(found.by_family),
        "weeks": shown.weeks(found.by_week),
        "newest": [shown.told(row) for row in found.newest[:TOLD_AS_TABLE]],
        "misses": [shown.missed(miss, miss.attempt.job_id in seen) for miss in found.misses],
    }
    return render(request, "studio/accuracy.html", context)
