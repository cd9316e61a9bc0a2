"""The object for this user, or none: every page, API call and socket finds its objects here.

Pages answer 404 for what a user may not see, so that they do not tell what exists. The API has
to tell 403 from 404 (its contract says so) and asks `may_see_*`.
"""

from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AbstractUser, AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404
from django.shortcuts import get_object_or_404

from generation.models import Job, Output
from generation.models.job import JobQuerySet
from studio.models import ApiToken, Membership, Project, Review, Role, Shot, Take, Verdict

User = AbstractBaseUser | AnonymousUser


def visible_jobs(user: User) -> JobQuerySet:
    """Jobs of the user's projects, and the user's own."""
    if getattr(user, "is_superuser", False):
        return Job.objects.all()
    mine = Q(owner=user.pk) | Q(take__shot__project__in=Project.objects.visible_to(user))
    return Job.objects.filter(mine)


def job_for(user: User, job_id: UUID | str) -> Job:
    """A job the user may see. Raises Http404."""
    return get_object_or_404(visible_jobs(user).for_pages(), pk=job_id)


def may_see_job(user: User, job: Job) -> bool:
    """True when the job is the user's own or belongs to one of their projects."""
    return visible_jobs(user).filter(pk=job.pk).exists()


def changeable_jobs(user: User) -> JobQuerySet:
    """Jobs that the user may cancel, hold and move: their own, and those of projects they lead."""
    if getattr(user, "is_superuser", False):
        return Job.objects.all()
    led = Membership.objects.filter(user=user.pk, role=Role.ADMIN).values("project")
    return Job.objects.filter(Q(owner=user.pk) | Q(take__shot__project__in=led))


def may_change_job(user: User, job: Job) -> bool:
    """Cancel, retry, hold and moves: the job's owner, and admins of its project."""
    return changeable_jobs(user).filter(pk=job.pk).exists()


def leads_others(user: User) -> bool:
    """True for admins of a project that has other members: they change more than their own jobs."""
    led = Membership.objects.filter(user=user.pk, role=Role.ADMIN).values("project")
    return Membership.objects.filter(project__in=led).exclude(user=user.pk).exists()


def may_change_devices(user: User) -> bool:
    """Devices belong to the house: superusers, and staff with that right of Django's own."""
    if not isinstance(user, AbstractUser):
        return False
    return user.is_staff and user.has_perm("generation.change_device")


def changeable_job_for(user: User, job_id: UUID | str) -> Job:
    """A job the user may change. Raises Http404 when unseen, PermissionDenied when only seen."""
    job = job_for(user, job_id)
    if not may_change_job(user, job):
        raise PermissionDenied("Only who asked for a render, or the project's admin, may do this.")
    return job


def project_for(user: User, slug: str) -> Project:
    """A project the user is a member of. Raises Http404."""
    return get_object_or_404(Project.objects.visible_to(user), slug=slug)


def shot_for(user: User, project_slug: str, slug: str) -> Shot:
    """A shot of a project the user is a member of. Raises Http404."""
    return get_object_or_404(
        Shot.objects.select_related("project", "sequence"),
        project=project_for(user, project_slug),
        slug=slug,
    )


def take_for(user: User, pk: int) -> Take:
    """A take of a project the user is a member of. Raises Http404."""
    return get_object_or_404(Take.objects.visible_to(user).for_pages(), pk=pk)


def output_for(user: User, pk: UUID | str) -> Output:
    """A file of a job the user may see. Raises Http404."""
    return get_object_or_404(Output.objects.filter(job__in=visible_jobs(user)), pk=pk)


def token_for(user: User, pk: int) -> ApiToken:
    """One of the user's own tokens. Raises Http404."""
    return get_object_or_404(ApiToken, user=user.pk, pk=pk)


def open_review_for(user: User, take: Take) -> Review | None:
    """The open review of a take, for somebody who may decide it; None when it was decided.

    Raises PermissionDenied for others.
    """
    if not may_review(user, take):
        raise PermissionDenied("Only reviewers of this project may give a verdict.")
    return Review.objects.filter(take=take, verdict=Verdict.PENDING).first()


def may_review(user: User, take: Take) -> bool:
    """Verdicts are given by the project's reviewers and admins."""
    return role_in(user, take.shot.project_id) in (Role.REVIEWER, Role.ADMIN)


def role_in(user: User, project_id: int) -> str | None:
    """The user's role in a project; None for strangers. A superuser is an admin everywhere."""
    if getattr(user, "is_superuser", False):
        return Role.ADMIN
    return (
        Membership.objects.filter(project_id=project_id, user=user.pk)
        .values_list("role", flat=True)
        .first()
    )


def may_join(user: User, topic: str, key: str) -> str | None:
    """The live group behind a page's topic, when the user may watch it; None otherwise."""
    try:
        if topic == "queue":
            return "queue" if user.pk else None
        if topic == "project":
            return project_for(user, key).group
        if topic == "job":
            return f"job.{job_for(user, UUID(key)).pk}"
    except (Http404, ValueError):
        return None
    return None
