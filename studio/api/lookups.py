"""Lookups of what a call names: 404 if it does not exist, 403 if the caller may not use it."""

from collections.abc import Collection
from uuid import UUID

from django.http import Http404
from django.shortcuts import get_object_or_404

from generation.errors import SpecError
from generation.models import Job
from studio.accounts import access
from studio.accounts import refusals as rights
from studio.accounts.person_request import PersonRequest
from studio.accounts.refusals import Forbidden
from studio.models import Project
from studio.models.names import of_name, of_slug
from studio.ordering import refusals


def base_of(request: PersonRequest) -> str:
    """Scheme and host of the request, to begin absolute URLs."""
    return f"{request.scheme}://{request.get_host()}"


def refuse_unknown(request: PersonRequest, names: Collection[str]) -> None:
    """Raise SpecError for an unknown query parameter: a misspelt one must not be ignored."""
    for name in request.GET:
        if name not in names:
            raise SpecError(name, refusals.UNKNOWN_PARAMETER, ", ".join(names))


def job_of(request: PersonRequest, job_id: UUID) -> Job:
    """The job; 404 if it does not exist, 403 if it belongs to a project of others."""
    job = get_object_or_404(Job.objects.kept().for_pages(), pk=job_id)
    if not access.may_see_job(request.user, job):
        raise Forbidden(rights.JOB_OF_OTHERS)
    return job


def changeable_job(request: PersonRequest, job_id: UUID) -> Job:
    """A job that the caller may change; 403 for one that they may only see."""
    job_of(request, job_id)
    return access.changeable_job_for(request.user, job_id)


def changeable_jobs(request: PersonRequest, ids: Collection[UUID]) -> list[Job]:
    """All of these jobs; 404 if one does not exist, 403 if the caller may not change one."""
    found = Job.objects.kept().in_bulk(list(ids))
    for job_id in ids:
        if job_id not in found:
            raise Http404
    own = set(
        access.changeable_jobs(request.user).filter(pk__in=found).values_list("pk", flat=True)
    )
    for job_id in ids:
        if job_id not in own:
            raise Forbidden(rights.NOT_YOUR_JOB_OF_MANY, job=job_id)
    return [found[job_id] for job_id in dict.fromkeys(ids)]


def project_of(request: PersonRequest, named: str) -> Project:
    """The project of a slug or name; 404 if it does not exist, 403 if the caller is no member."""
    visible = Project.objects.visible_to(request.user)
    found = of_slug(visible, named) or next(iter(of_name(visible, named)), None)
    if found is not None:
        return found
    if of_slug(Project.objects.all(), named) is None:
        raise Http404
    raise Forbidden(rights.NOT_A_MEMBER)
