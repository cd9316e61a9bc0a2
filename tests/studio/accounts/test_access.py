"""Access rules; `test_rights_matrix` has what follows from them at every address."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.http import Http404

from generation.models import Job
from studio.accounts import access
from studio.models import Project, Review, Take
from tests.studio.conftest import MakeTake

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("topic", "key"),
    [
        ("job", "no-uuid"),
        ("job", "00000000-0000-4000-8000-000000000000"),
        ("project", "unknown"),
        ("take", "1"),
        ("", ""),
    ],
)
def test_an_unknown_group_cannot_be_joined(topic: str, key: str, boss: User) -> None:
    assert access.may_join(boss, topic, key) is None


def test_the_joined_group_is_the_one_that_events_go_to(
    queued: MakeTake, artist: User, project: Project
) -> None:
    job = queued().job

    assert access.may_join(artist, "project", project.slug) == job.scope == project.group
    assert access.may_join(artist, "job", str(job.pk)) == f"job.{job.pk}"


def test_only_the_owner_sees_a_job_without_a_project(
    submit: Callable[..., Job], artist: User, reviewer: User, lead: User, boss: User
) -> None:
    job = submit()

    assert [access.may_see_job(user, job) for user in (artist, boss)] == [True, True]
    assert [access.may_see_job(user, job) for user in (reviewer, lead)] == [False, False]
    assert [access.may_change_job(user, job) for user in (artist, boss)] == [True, True]
    assert not access.may_change_job(lead, job)


def test_a_former_member_sees_only_their_own_jobs_and_changes_none(
    queued: MakeTake, artist: User, colleague: User, project: Project
) -> None:
    own, others = queued(), queued(user=colleague)
    project.memberships.filter(user=artist).delete()

    assert access.may_see_job(artist, own.job)
    assert not access.may_see_job(artist, others.job)
    assert not access.may_change_job(artist, own.job)
    with pytest.raises(Http404):
        access.take_for(artist, own.pk)


def test_a_job_is_listed_once_for_a_member_who_also_owns_it(
    queued: MakeTake, artist: User, reviewer: User, lead: User
) -> None:
    take = queued()

    assert list(access.visible_jobs(artist)) == [take.job]
    assert list(access.visible_jobs(lead)) == [take.job]


def test_a_decided_review_is_not_open(sent: MakeTake, reviewer: User) -> None:
    take = sent()
    Review.objects.update(verdict="approved")

    assert access.open_review_for(reviewer, take) is None


def test_a_role_applies_only_to_its_project(
    sent: MakeTake, reviewer: User, boss: User, stranger: User
) -> None:
    elsewhere = Project.objects.create(slug="elsewhere", name="Elsewhere")
    take: Take = sent()

    assert access.role_in(reviewer, elsewhere.pk) is None
    assert access.role_in(reviewer, take.shot.project_id) == "reviewer"
    assert access.role_in(boss, elsewhere.pk) == "admin"
    assert access.role_in(stranger, take.shot.project_id) is None
