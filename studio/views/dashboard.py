"""The dashboard: devices, queue and latest results."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from generation.estimating.evaluation.accuracy import lately
from generation.states import Pause, Priority
from studio.accounts import access
from studio.accounts.person_request import PersonRequest
from studio.live.fragments import FINISHED_SHOWN, job_context, queue_context
from studio.models import Take
from studio.presentation import accuracy
from studio.views.live import live
from studio.views.queue import changeable_context


@login_required
def dashboard(request: PersonRequest) -> HttpResponse:
    """Show the devices with live previews, the queue in order, and the latest finished takes."""
    mine = access.visible_jobs(request.user).active().values_list("pk", flat=True)
    finished = Take.objects.visible_to(request.user).for_pages()
    latest = finished.filter(job__finished_at__isnull=False).order_by("-job__finished_at")
    forecaster = request.forecaster
    context = {
        **live(request, "queue"),
        **queue_context(forecaster),
        **changeable_context(request),
        "may_change_devices": access.may_change_devices(request.user),
        "estimates": accuracy.badge(lately(timezone.now())),
        "priorities": list(Priority),
        "pauses": list(Pause),
        "visible": set(mine),
        "finished": [
            {"take": take, **job_context(forecaster, take.job)} for take in latest[:FINISHED_SHOWN]
        ],
    }
    return render(request, "studio/dashboard.html", context)
