"""Lists in pages by key: every row once, whatever arrives or goes between two pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import signing

from generation.models import Job, ModelCard
from studio.api import lists
from studio.models import Character, Project, Sequence, Shot, Style
from tests.contract.asking import JOBS, PAGE, PROBLEMS, Caller

pytestmark = pytest.mark.django_db

Submit = Callable[..., Job]
LISTS = {name: f"/api/anime/{name}" for name in ("models", "styles", "characters", "projects")}
EVERY_LIST = {**LISTS, "shots": "/api/anime/shots", "jobs": JOBS}


@pytest.fixture(autouse=True)
def _short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "PAGE_SIZE", 2)


def walk(api: Caller, name: str, **query: Any) -> Iterator[list[dict[str, Any]]]:
    """The pages of a list, each fetched when the one before was looked at."""
    cursor = None
    while True:
        answer = api.get(EVERY_LIST[name], query | ({"after": cursor} if cursor else {}))
        assert answer.status_code == 200, answer.content
        yield answer.json()[name]
        cursor = answer.json()["next"]
        if cursor is None:
            return


def test_jobs_that_arrive_between_two_pages_repeat_none_and_hide_none(
    api: Caller, submit: Submit
) -> None:
    there = [str(submit().pk) for _ in range(7)]
    seen = []
    for page in walk(api, "jobs"):
        seen += [job["job_id"] for job in page]
        submit()
        submit()

    assert seen == there[::-1]


def test_jobs_that_go_between_two_pages_hide_none(api: Caller, submit: Submit) -> None:
    there = [str(submit().pk) for _ in range(6)]
    seen: list[str] = []
    for page in walk(api, "jobs"):
        seen += [job["job_id"] for job in page]
        Job.objects.filter(pk=seen[-1]).delete()

    assert seen == there[::-1]


def test_jobs_of_one_moment_all_come(api: Caller, submit: Submit) -> None:
    there = {str(submit().pk) for _ in range(5)}
    Job.objects.update(submitted_at="2026-11-22T17:15:13.589123Z")

    seen = [job["job_id"] for page in walk(api, "jobs", status="queued") for job in page]

    assert (len(seen), set(seen)) == (5, there)


def test_a_script_that_counts_pages_can_go_on_with_a_cursor(api: Caller, submit: Submit) -> None:
    there = [str(submit().pk) for _ in range(5)]

    second = api.get(JOBS, {"page": 2}).json()
    third = api.get(JOBS, {"after": second["next"]}).json()
    counted = api.get(JOBS, {"after": second["next"], "count": "true"}).json()

    PAGE.check(second)
    PAGE.check(third)
    assert (second["page"], second["pages"], second["total"]) == (2, 3, 5)
    assert [job["job_id"] for job in third["jobs"]] == there[:1]
    assert [third[name] for name in ("page", "pages", "total", "next")] == [None] * 4
    assert (counted["total"], counted["jobs"]) == (5, third["jobs"])


@pytest.mark.parametrize("name", EVERY_LIST)
def test_a_cursor_that_no_answer_gave_is_refused(
    name: str, api: Caller, project: Project, toon: ModelCard
) -> None:
    query = {"project": "harbour"} if name == "shots" else {}
    other = signing.dumps(["x", 1], salt="genga.keyset.other")

    for cursor in ("", "2", "x" * 4000, "a:b:c", "港", "a\x00b", other):
        answer = api.get(EVERY_LIST[name], query | {"after": cursor})
        assert answer.status_code == 422, cursor
        PROBLEMS.check(answer.json())
        (error,) = answer.json()["errors"]
        assert (error["field"], error["code"]) == ("after", "bad_cursor")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"page": "1", "after": "x"}, "page"),
        ({"after": "x" * 4001}, "after"),
        ({"count": "perhaps"}, "count"),
        ({"cursor": "x"}, "cursor"),
    ],
)
def test_a_wrong_question_for_a_page_is_refused(
    query: dict[str, str], field: str, api: Caller, artist: User
) -> None:
    answer = api.get(JOBS, query)

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.fixture
def studio(project: Project, foreign_project: Project, toon: ModelCard) -> Project:
    """Five things of each kind that the artist may use, and others that the artist may not."""
    ModelCard.objects.create(slug="off", name="Off", folder="off", is_active=False)
    for place in range(4):
        ModelCard.objects.create(slug=f"m{place}", name="Same", folder="m", types=["image"])
    for place in range(5):
        own = {"project": project, "slug": f"c{place}", "name": f"Cast {place % 2}"}
        Character.objects.create(**own, look="1girl")
        Style.objects.create(**own | {"project": project if place % 2 else None})
    for owner, active in ((foreign_project, True), (project, False)):
        hidden = {"project": owner, "slug": f"hidden{active}", "name": "Hidden"}
        Character.objects.create(**hidden, look="hat", is_active=active)
        Style.objects.create(**hidden, is_active=active)
    for place in range(4):
        made = Project.objects.create(slug=f"p{place}", name=f"Film {place}")
        made.memberships.create(user=project.members.get(username="artist"), role="admin")
    return project


@pytest.mark.parametrize("name", LISTS)
def test_things_that_one_may_use_are_listed_by_name(
    name: str, api: Caller, studio: Project
) -> None:
    pages = list(walk(api, name))

    assert [len(page) for page in pages] == [2, 2, 1]
    names = [row["name"] for page in pages for row in page]
    assert names == sorted(names)
    assert len({row["slug"] for page in pages for row in page}) == 5
    assert not {"Hidden", "Off", "Secret"} & set(names)
    first = api.get(LISTS[name], {"count": "1"}).json()
    assert (first["total"], api.get(LISTS[name]).json()["total"]) == (5, None)


def test_a_thing_is_listed_with_what_a_request_needs(
    api: Caller, studio: Project, artist: User
) -> None:
    def first(name: str) -> dict[str, Any]:
        row: dict[str, Any] = next(walk(api, name))[0]
        return row

    project = first("projects")
    assert project.pop("web") == "http://testserver/projects/p0/"
    assert project == {"slug": "p0", "name": "Film 0", "description": "", "role": "admin"}
    assert (first("characters")["project"], first("characters")["look"]) == ("harbour", "1girl")
    assert (first("styles")["project"], first("styles")["template"]) == (None, "{prompt}")
    assert (first("models")["types"], first("models")["default"]) == (["image"], False)


def test_a_superuser_sees_every_project_and_that_the_role_is_none(
    remote: Callable[[User], Caller], studio: Project
) -> None:
    boss = remote(User.objects.create_superuser("boss"))
    found = [row for page in walk(boss, "projects") for row in page]

    assert len(found) == 6
    assert {row["role"] for row in found} == {None}


def test_shots_are_listed_in_the_productions_order(api: Caller, project: Project) -> None:
    night = Sequence.objects.create(project=project, slug="night", name="夜", order=2)
    dawn = Sequence.objects.create(project=project, slug="dawn", name="朝", order=1)
    same = Sequence.objects.create(project=project, slug="dusk", name="夕", order=1)
    for place, sequence in enumerate([night, None, dawn, same, None, dawn, None]):
        order = 20 - place
        Shot.objects.create(
            project=project, sequence=sequence, slug=f"s{place}", name=f"第{place}", order=order
        )
    Shot.objects.create(project=project, slug="sketches", name="Sketches")

    found = [shot for page in walk(api, "shots", project="harbour") for shot in page]

    assert [shot["slug"] for shot in found] == ["s6", "s4", "s1", "s5", "s2", "s3", "s0"]
    assert [shot["sequence"] for shot in found] == [None, None, None, "朝", "朝", "夕", "夜"]
    assert found[0]["web"] == "http://testserver/projects/harbour/s6/"
    assert found[0]["takes"] == 0


def test_shots_of_other_people_are_not_listed(
    api: Caller, foreign_project: Project, artist: User
) -> None:
    def status(**query: str) -> int:
        return int(api.get(EVERY_LIST["shots"], query).status_code)

    assert status(project="secret") == 403
    assert status(project="nowhere") == 404
    assert status() == 422


def test_a_list_is_for_who_has_a_token(remote: Callable[[User | None], Caller]) -> None:
    for address in EVERY_LIST.values():
        assert remote(None).get(address).status_code == 401
