"""Access rules: one table of every kind of person and every kind of object."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import Http404

from generation.models import Job
from studio.accounts import access
from studio.models import ApiToken, Project, Review, Take
from tests.studio.conftest import MakeTake

pytestmark = pytest.mark.django_db

TABLE = """
            project shot job take output change verdict token queue  project-group job-group
anonymous   404     404  404 404  404    404    404     404   no     no            no
stranger    404     404  404 404  404    404    404     404   joins  no            no
artist      sees    sees sees sees sees  sees   403     sees  joins  joins         joins
colleague   sees    sees sees sees sees  403    403     404   joins  joins         joins
reviewer    sees    sees sees sees sees  403    sees    404   joins  joins         joins
lead        sees    sees sees sees sees  sees   sees    404   joins  joins         joins
boss        sees    sees sees sees sees  sees   sees    404   joins  joins         joins
"""
"""The artist owns the job and the token; the take is in review."""

_HEAD, *_ROWS = [line.split() for line in TABLE.strip().splitlines()]
CELLS = [
    (who, thing, expected)
    for who, *cells in _ROWS
    for thing, expected in zip(_HEAD, cells, strict=True)
]

Things = dict[str, Callable[[Any], Any]]


@pytest.fixture
def things(sent: MakeTake, artist: User, project: Project) -> Things:
    """How the views get each object."""
    take = sent()
    output = take.output
    assert output is not None
    token, _ = ApiToken.issue(artist, "script")
    return {
        "project": lambda user: access.project_for(user, project.slug),
        "shot": lambda user: access.shot_for(user, project.slug, take.shot.slug),
        "job": lambda user: access.job_for(user, take.job_id),
        "take": lambda user: access.take_for(user, take.pk),
        "output": lambda user: access.output_for(user, output.pk),
        "change": lambda user: access.changeable_job_for(user, take.job_id),
        "verdict": lambda user: access.open_review_for(user, access.take_for(user, take.pk)),
        "token": lambda user: access.token_for(user, token.pk),
        "queue": lambda user: access.may_join(user, "queue", ""),
        "project-group": lambda user: access.may_join(user, "project", project.slug),
        "job-group": lambda user: access.may_join(user, "job", str(take.job_id)),
    }


@pytest.mark.parametrize(
    ("who", "thing", "expected"), CELLS, ids=[f"{who} {thing} {cell}" for who, thing, cell in CELLS]
)
def test_access_is_as_in_the_table(
    who: str, thing: str, expected: str, things: Things, request: pytest.FixtureRequest
) -> None:
    user = AnonymousUser() if who == "anonymous" else request.getfixturevalue(who)

    assert _answer(things[thing], user) == expected


def _answer(ask: Callable[[Any], Any], user: Any) -> str:
    try:
        found = ask(user)
    except Http404:
        return "404"
    except PermissionDenied:
        return "403"
    if found is None:
        return "no"
    return "joins" if isinstance(found, str) else "sees"


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


def test_a_former_member_sees_only_their_own_jobs(
    queued: MakeTake, artist: User, colleague: User, project: Project
) -> None:
    own, others = queued(), queued(user=colleague)
    project.memberships.filter(user=artist).delete()

    assert access.may_see_job(artist, own.job)
    assert not access.may_see_job(artist, others.job)
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
