"""Access rules: every page, API call and socket gets a user's objects from here.

Pages answer 404 for objects that a user may not see, so that they do not reveal what exists. The
API must distinguish 403 from 404 (see docs/api.md) and asks `may_see_job`.
"""

from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AbstractUser, AnonymousUser
from django.db.models import Q, QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404

from generation.models import Job, Output
from generation.models.job import JobQuerySet
from studio.accounts import refusals
from studio.accounts.refusals import Forbidden
from studio.models import (
    ApiToken,
    Character,
    Membership,
    Project,
    Review,
    Role,
    Shot,
    Style,
    Take,
    Verdict,
)
from studio.models.names import normal_slug

User = AbstractBaseUser | AnonymousUser


def visible_jobs(user: User) -> JobQuerySet:
    """Jobs of the user's projects, and the user's own; none of the trash."""
    kept = Job.objects.kept()
    if getattr(user, "is_superuser", False):
        return kept
    mine = Q(owner=user.pk) | Q(take__shot__project__in=Project.objects.visible_to(user))
    return kept.filter(mine)


def job_for(user: User, job_id: UUID | str) -> Job:
    """A job the user may see. Raises Http404."""
    return get_object_or_404(visible_jobs(user).for_pages(), pk=job_id)


def may_see_job(user: User, job: Job) -> bool:
    """True when the job is the user's own or belongs to one of their projects."""
    return visible_jobs(user).filter(pk=job.pk).exists()


def changeable_jobs(user: User) -> JobQuerySet:
    """Jobs that the user may change: their own, and those of projects whose admin they are.

    Their own job of a project counts only while they are a member: what it makes belongs to the
    project. Jobs in the trash can only be restored; see `trashed_jobs`.
    """
    return _jobs_to_change(user).kept()


def trashed_jobs(user: User) -> JobQuerySet:
    """Jobs in the trash that the user may restore or delete for good."""
    return _jobs_to_change(user).in_trash()


def trashed_job_for(user: User, job_id: UUID | str) -> Job:
    """A job in the trash that the user may restore or delete for good. Raises Http404."""
    return get_object_or_404(trashed_jobs(user), pk=job_id)


def _jobs_to_change(user: User) -> JobQuerySet:
    if getattr(user, "is_superuser", False):
        return Job.objects.all()
    led = Membership.objects.filter(user=user.pk, role=Role.ADMIN).values("project")
    return Job.objects.filter(
        Q(owner=user.pk, take=None)
        | Q(owner=user.pk, take__shot__project__in=Project.objects.visible_to(user))
        | Q(take__shot__project__in=led)
    )


def may_change_job(user: User, job: Job) -> bool:
    """True when the user may cancel, retry, hold and move the job. See `changeable_jobs`."""
    return changeable_jobs(user).filter(pk=job.pk).exists()


def leads_others(user: User) -> bool:
    """True for admins of a project with other members, who may change jobs of other people."""
    led = Membership.objects.filter(user=user.pk, role=Role.ADMIN).values("project")
    return Membership.objects.filter(project__in=led).exclude(user=user.pk).exists()


def may_change_devices(user: User) -> bool:
    """True for superusers, and for staff with Django's permission `generation.change_device`."""
    if not isinstance(user, AbstractUser):
        return False
    return user.is_staff and user.has_perm("generation.change_device")


def changeable_job_for(user: User, job_id: UUID | str) -> Job:
    """A job the user may change. Raises Http404 for a hidden one, Forbidden otherwise."""
    job = job_for(user, job_id)
    if not may_change_job(user, job):
        own = job.owner_id == user.pk
        raise Forbidden(refusals.NO_LONGER_A_MEMBER if own else refusals.NOT_YOUR_JOB)
    return job


def project_for(user: User, slug: str) -> Project:
    """A project the user is a member of. Raises Http404."""
    return get_object_or_404(Project.objects.visible_to(user), slug=normal_slug(slug))


def shot_for(user: User, project_slug: str, slug: str) -> Shot:
    """A shot of a project the user is a member of. Raises Http404."""
    return get_object_or_404(
        Shot.objects.select_related("project", "sequence"),
        project=project_for(user, project_slug),
        slug=normal_slug(slug),
    )


def take_for(user: User, pk: int) -> Take:
    """A take of a project the user is a member of. Raises Http404."""
    return get_object_or_404(Take.objects.visible_to(user).for_pages(), pk=pk)


def take_to_build_on(user: User, job: Job) -> Take:
    """The take of a job the user may see, to make another take of the same shot from it.

    Raises Http404 for a job without a take, and Forbidden for one of a project that the user has
    left.
    """
    take = get_object_or_404(Take.objects.for_pages(), job=job)
    if not Take.objects.visible_to(user).filter(pk=take.pk).exists():
        raise Forbidden(refusals.NO_LONGER_A_MEMBER)
    return take


def usable_characters(user: User) -> QuerySet[Character]:
    """Active characters of the user's projects."""
    return Character.objects.filter(project__in=Project.objects.visible_to(user), is_active=True)


def usable_styles(user: User) -> QuerySet[Style]:
    """Active styles that are shared or belong to one of the user's projects."""
    return Style.objects.usable_by(user)


def output_for(user: User, pk: UUID | str) -> Output:
    """A file of a job the user may see. Raises Http404."""
    return get_object_or_404(Output.objects.filter(job__in=visible_jobs(user)), pk=pk)


def token_for(user: User, pk: int) -> ApiToken:
    """One of the user's own tokens. Raises Http404."""
    return get_object_or_404(ApiToken, user=user.pk, pk=pk)


def open_review_for(user: User, take: Take) -> Review | None:
    """The open review of a take; None when it was decided already.

    Raises Forbidden for a user who may not decide it.
    """
    if not may_review(user, take):
        raise Forbidden(refusals.NOT_A_REVIEWER)
    return _open_review(take)


def withdrawable_review_for(user: User, take: Take) -> Review | None:
    """The open review of a take; None when there is none.

    Raises Forbidden for a user who may not withdraw it.
    """
    review = _open_review(take)
    if review is not None and not may_withdraw(user, review):
        raise Forbidden(refusals.NOT_YOUR_REVIEW)
    return review


def may_withdraw(user: User, review: Review) -> bool:
    """True for who sent the take to review, and for admins of its project."""
    if review.requested_by_id == user.pk:
        return True
    return role_in(user, review.take.shot.project_id) == Role.ADMIN


def must_leave_approval(user: User, take: Take) -> bool:
    """True for who made the take, in a project whose takes need four eyes."""
    return take.is_left_to_others(user)


def _open_review(take: Take) -> Review | None:
    return Review.objects.filter(take=take, verdict=Verdict.PENDING).first()


def may_review(user: User, take: Take) -> bool:
    """True for reviewers and admins of the take's project."""
    return role_in(user, take.shot.project_id) in (Role.REVIEWER, Role.ADMIN)


def role_in(user: User, project_id: int) -> str | None:
    """The user's role in a project; None without a membership. Superusers are admins everywhere."""
    if getattr(user, "is_superuser", False):
        return Role.ADMIN
    return (
        Membership.objects.filter(project_id=project_id, user=user.pk)
        .values_list("role", flat=True)
        .first()
    )


def may_join(user: User, topic: str, key: str) -> str | None:
    """The channel group of a page's topic; None when the user may not join it."""
    try:
        if topic == "queue":
            return "queue" if user.pk else None
        if topic == "person":
            return f"person.{user.pk}" if user.pk else None
        if topic == "project":
            return project_for(user, key).group
        if topic == "job":
            return f"job.{job_for(user, UUID(key)).pk}"
    except (Http404, ValueError):
        return None
    return None
