"""The job's page: how long still? And what may be done about it."""

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from generation.errors import SpecError
from generation.queue import requests
from generation.states import Priority, choices
from studio.accounts import access
from studio.accounts.person_request import PersonRequest
from studio.live.fragments import job_context, job_details
from studio.models import Take
from studio.ordering import submission
from studio.views.live import live


@login_required
def job(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Live progress, what happened so far, and the settings."""
    found = access.job_for(request.user, job_id)
    take = Take.objects.filter(job=found).for_pages().first()
    context = {
        **live(request, "job", str(job_id)),
        **job_context(request.forecaster, found),
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
    if not requests.cancel(found):
        found.refresh_from_db()
        state = "letting go already" if found.is_cancelling else found.state.label.lower()
        messages.info(request, f"Nothing to cancel: the job is {state}.")
    return redirect("job", job_id)


@login_required
@require_POST
def retry(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Let a failed or cancelled job wait again."""
    found = access.changeable_job_for(request.user, job_id)
    try:
        if not submission.retry(found):
            messages.info(request, "Only a failed or cancelled job can be tried again.")
    except SpecError as problem:
        messages.error(request, f"It can be rendered no more: {problem.sentence}")
    return redirect("job", job_id)


@login_required
@require_POST
def hold(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Keep a waiting job from starting."""
    found = access.changeable_job_for(request.user, job_id)
    if not requests.hold(found):
        messages.info(request, "Only a job that waits can be put on hold.")
    return redirect("job", job_id)


@login_required
@require_POST
def release(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Let a job on hold wait again."""
    found = access.changeable_job_for(request.user, job_id)
    if not requests.release(found):
        messages.info(request, "Nothing to release: the job is not on hold any more.")
    return redirect("job", job_id)


@login_required
@require_POST
def front(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Before the owner's other waiting jobs of the same priority."""
    found = access.changeable_job_for(request.user, job_id)
    if not requests.move_to_front(found):
        messages.info(
            request,
            "It is the first of its owner's jobs of this priority already, or waits no longer. "
            "A higher priority moves it before the others.",
        )
    return redirect("job", job_id)


@login_required
@require_POST
def clone(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """The same settings with another seed: a new take, whose job's page opens."""
    found = access.changeable_job_for(request.user, job_id)
    take = get_object_or_404(Take.objects.visible_to(request.user).for_pages(), job=found)
    try:
        cloned, _ = submission.clone(request.forecaster, take, request.user)
    except SpecError as problem:
        messages.error(request, problem.sentence)
        return redirect("job", job_id)
    messages.success(
        request, f"Take {cloned.number} is submitted: the settings of take {take.number}, new seed."
    )
    return redirect("job", cloned.job_id)


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
    if not requests.change_priority(found, wanted):
        messages.info(request, "Only a waiting job can be moved, and to another priority.")
    return redirect("job", job_id)
