"""The job's page: progress, remaining time, and actions on the job."""

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render

from generation.errors import SpecError
from generation.queue import requests
from generation.states import Priority, choices
from studio.accounts import access
from studio.accounts.person_request import PersonRequest
from studio.live.fragments import job_context, job_details
from studio.models import Take
from studio.ordering import submission
from studio.presentation import flash
from studio.views import sentences
from studio.views.live import live
from studio.views.made_once import made_once
from studio.views.posted_from import posted_from
from studio.views.throttled import TooManySubmits, refuse_too_many_submits


@login_required
def job(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Show live progress, the history and the settings."""
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
@posted_from("job", "job_id")
@made_once
def cancel(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Cancel the job. One that has ended stays as it is, and a message says so."""
    found = access.changeable_job_for(request.user, job_id)
    if not requests.cancel(found):
        found.refresh_from_db()
        state = "being cancelled already" if found.is_cancelling else found.state.label.lower()
        flash.info(request, sentences.NOTHING_TO_CANCEL.said(state=state))
    return redirect("job", job_id)


@login_required
@posted_from("job", "job_id")
@made_once
def retry(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Put a failed or cancelled job back into the queue."""
    found = access.changeable_job_for(request.user, job_id)
    try:
        if not submission.retry(found):
            flash.info(request, sentences.RETRY_NEEDS_END.said())
    except SpecError as problem:
        flash.error(request, sentences.RETRY_REFUSED.said(problem=problem.sentence))
    return redirect("job", job_id)


@login_required
@posted_from("job", "job_id")
@made_once
def hold(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Keep a waiting job from starting."""
    found = access.changeable_job_for(request.user, job_id)
    if not requests.hold(found):
        flash.info(request, sentences.HOLD_NEEDS_WAITING.said())
    return redirect("job", job_id)


@login_required
@posted_from("job", "job_id")
@made_once
def release(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Release a job that is on hold."""
    found = access.changeable_job_for(request.user, job_id)
    if not requests.release(found):
        flash.info(request, sentences.NOTHING_TO_RELEASE.said())
    return redirect("job", job_id)


@login_required
@posted_from("job", "job_id")
@made_once
def front(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Move the job before its owner's other waiting jobs of the same priority."""
    found = access.changeable_job_for(request.user, job_id)
    if not requests.move_to_front(found):
        flash.info(request, sentences.NOT_MOVED_TO_FRONT.said())
    return redirect("job", job_id)


@login_required
@posted_from("job", "job_id")
@made_once
def clone(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Render the same settings with another seed, and open the page of the new job."""
    found = access.changeable_job_for(request.user, job_id)
    take = access.take_to_build_on(request.user, found)
    try:
        refuse_too_many_submits(request)
        cloned, _ = submission.clone(request.forecaster, take, request.user)
    except SpecError as problem:
        flash.refused(request, problem)
        return redirect("job", job_id)
    except TooManySubmits as problem:
        flash.error(request, problem.said)
        return redirect("job", job_id)
    flash.success(request, sentences.CLONED.said(number=cloned.number, source=take.number))
    return redirect("job", cloned.job_id)


@login_required
@posted_from("job", "job_id")
@made_once
def priority(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Change the priority of a waiting job."""
    found = access.changeable_job_for(request.user, job_id)
    try:
        wanted = Priority(int(request.POST.get("priority", "")))
    except ValueError:
        flash.error(request, sentences.PRIORITY_NOT_CHOSEN.said())
        return redirect("job", job_id)
    if not requests.change_priority(found, wanted):
        flash.info(request, sentences.PRIORITY_NOT_CHANGED.said())
    return redirect("job", job_id)
