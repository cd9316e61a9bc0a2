"""What a call names, found and allowed: 404 for what is not there, 403 for what is not for one."""

from collections.abc import Collection
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import get_object_or_404

from generation.errors import SpecError
from generation.models import Job
from studio.accounts import access
from studio.accounts.person_request import PersonRequest
from studio.models import Project, Take
from studio.ordering import refusals


def base_of(request: PersonRequest) -> str:
    """Scheme and host as the caller wrote them, for URLs."""
    return f"{request.scheme}://{request.get_host()}"


def refuse_unknown(request: PersonRequest, names: Collection[str]) -> None:
    """A misspelt parameter must not be ignored, neither in a body nor in a query."""
    for name in request.GET:
        if name not in names:
            raise SpecError(name, refusals.UNKNOWN_PARAMETER, ", ".join(names))


def job_of(request: PersonRequest, job_id: UUID) -> Job:
    """404 for a job that does not exist, 403 for one of somebody else's project."""
    job = get_object_or_404(Job.objects.for_pages(), pk=job_id)
    if not access.may_see_job(request.user, job):
        raise PermissionDenied("This job belongs to a project you are not a member of.")
    return job


def changeable_job(request: PersonRequest, job_id: UUID) -> Job:
    """A job that the caller may change; 403 for one that they only see."""
    job_of(request, job_id)
    return access.changeable_job_for(request.user, job_id)


def changeable_jobs(request: PersonRequest, ids: Collection[UUID]) -> list[Job]:
    """All of these jobs; 404 when one does not exist, 403 when one may not be changed."""
    found = Job.objects.in_bulk(list(ids))
    for job_id in ids:
        if job_id not in found:
            raise Http404
    own = set(
        access.changeable_jobs(request.user).filter(pk__in=found).values_list("pk", flat=True)
    )
    for job_id in ids:
        if job_id not in own:
            raise PermissionDenied(f"Job {job_id} is not yours to change; nothing was changed.")
    return [found[job_id] for job_id in dict.fromkeys(ids)]


def cloneable_take(request: PersonRequest, job_id: UUID) -> Take:
    """The take of a job that the caller may change, in a project of which they are still a member.

    404 for a job of no take.
    """
    job = changeable_job(request, job_id)
    take = get_object_or_404(Take, job=job)
    try:
        return access.take_for(request.user, take.pk)
    except Http404:
        raise PermissionDenied("You are not a member of this project any more.") from None


def project_of(request: PersonRequest, slug: str) -> Project:
    """404 for a project that does not exist, 403 for one the caller is not a member of."""
    if not Project.objects.filter(slug=slug).exists():
        raise Http404
    try:
        return access.project_for(request.user, slug)
    except Http404:
        raise PermissionDenied("You are not a member of this project.") from None
