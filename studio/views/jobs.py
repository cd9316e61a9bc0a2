"""The job's page: how long still? And what may be done about it."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from generation import jobs
from generation.states import Priority, choices
from studio import access
from studio.fragments import job_context, job_details
from studio.models import Take
from studio.requests import PersonRequest
from studio.views.live import live


@login_required
def job(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Live progress, what happened so far, and the settings."""
    found = access.job_for(request.user, job_id)
    take = Take.objects.filter(job=found).for_pages().first()
    context = {
        **live(request, "job", str(job_id)),
        **job_context(found),
        **job_details(found),
        "take": take,
        "may_change": access.may_change_job(request.user, found),
        "priorities": choices(Priority),
    }
    return render(request, "studio/job.html", context)


@login_required
@require_POST
def cancel(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Cancel; a job that has ended meanwhile stays as it is, and that is said."""
    found = access.changeable_job_for(request.user, job_id)
    if not jobs.cancel(found):
        found.refresh_from_db()
        state = "letting go already" if found.is_cancelling else found.state.label.lower()
        messages.info(request, f"Nothing to cancel: the job is {state}.")
    return redirect("job", job_id)


@login_required
@require_POST
def retry(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Let a failed or cancelled job wait again."""
    found = access.changeable_job_for(request.user, job_id)
    if not jobs.retry(found):
        messages.info(request, "Only a failed or cancelled job can be tried again.")
    return redirect("job", job_id)


@login_required
@require_POST
def priority(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Move a waiting job in the queue."""
    found = access.changeable_job_for(request.user, job_id)
    try:
        wanted = Priority(int(request.POST.get("priority", "")))
    except ValueError:
        messages.error(request, "Choose urgent, high, normal or low.")
        return redirect("job", job_id)
    if not jobs.change_priority(found, wanted):
        messages.info(request, "Only a waiting job can be moved, and to another priority.")
    return redirect("job", job_id)
