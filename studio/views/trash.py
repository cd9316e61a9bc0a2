"""Deleting takes, and the trash."""

from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import redirect, render

from generation.sentences import Said
from studio.accounts import access
from studio.accounts.person_request import PersonRequest
from studio.models import Take
from studio.presentation import flash
from studio.production import trashing
from studio.views import sentences
from studio.views.made_once import made_once
from studio.views.posted_from import posted_from


@login_required
@posted_from("take", "pk")
@made_once
def delete(request: PersonRequest, pk: int) -> HttpResponse:
    """Move a take into the trash, and show its shot."""
    take = access.take_for(request.user, pk)
    refused = trashing.delete(access.changeable_job_for(request.user, take.job_id))
    if refused is not None:
        flash.info(request, refused)
        return redirect(take)
    said = sentences.DELETED.said(number=take.number, days=f"{settings.GENGA_TRASH_DAYS:g}")
    flash.success(request, said)
    return redirect(take.shot)


@login_required
def contents(request: PersonRequest) -> HttpResponse:
    """Takes in the trash that the person may restore, the latest first."""
    jobs = access.trashed_jobs(request.user)
    takes = Take.objects.filter(job__in=jobs).for_pages().order_by("-job__trashed_at")
    kept = timedelta(days=settings.GENGA_TRASH_DAYS)
    takes = takes.annotate(kept_until=F("job__trashed_at") + kept)
    return render(request, "studio/trash.html", {"takes": takes})


@login_required
@posted_from("trash")
@made_once
def restore(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Take a take out of the trash."""
    job = access.trashed_job_for(request.user, job_id)
    _say(request, trashing.restore(job), sentences.RESTORED.said(number=job.take.number))
    return redirect("trash")


@login_required
@posted_from("trash")
@made_once
def free(request: PersonRequest, job_id: UUID) -> HttpResponse:
    """Delete the files of a take in the trash for good."""
    job = access.trashed_job_for(request.user, job_id)
    done = sentences.DELETED_FOR_GOOD.said(number=job.take.number)
    _say(request, trashing.delete_for_good(job), done)
    return redirect("trash")


def _say(request: PersonRequest, refused: Said | None, done: Said) -> None:
    if refused is not None:
        flash.info(request, refused)
    else:
        flash.success(request, done)
