"""Naming things to the API: by their address or their name, in any script."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from generation.models import Device, ModelCard
from studio.models import Character, Membership, Project, Shot, Style, Take
from tests.contract.asking import GENERATE, JOBS, Caller

pytestmark = pytest.mark.django_db

GOOD = {"type": "image", "prompt": "1girl"}


@pytest.fixture
def film(artist: User, toon: ModelCard, device: Device) -> Project:
    """A production whose things are all named in Japanese."""
    film = Project.objects.create(slug="港の灯り", name="港の灯り")
    Membership.objects.create(project=film, user=artist)
    Shot.objects.create(project=film, slug="屋上の夕焼け-第3カット", name="屋上の夕焼け 第3カット")
    Character.objects.create(project=film, slug="ミカ", name="ミカ・港", look="1girl")
    Style.objects.create(project=film, slug="墨", name="墨 絵")
    ModelCard.objects.filter(slug="toon").update(name="アニメ 一号")
    return film


@pytest.mark.parametrize(
    "named",
    [
        {
            "project": "港の灯り",
            "shot": "屋上の夕焼け-第3カット",
            "character": "ミカ",
            "style": "墨",
        },
        {"project": "港の灯り", "shot": "屋上の夕焼け　第３カット", "character": "ミカ・港"},
        {
            "project": "港の灯り",
            "shot": "屋上の夕焼け 第3カット",
            "style": "墨 絵",
            "model": "ｱﾆﾒ 一号",
        },
    ],
)
def test_a_script_names_things_as_people_do(
    named: dict[str, str], api: Caller, film: Project
) -> None:
    take = Take.objects.get(job=api.submit(**named)["job_id"])

    assert take.shot.name == "屋上の夕焼け 第3カット"
    assert (take.character is not None, take.style is not None) == (
        "character" in named,
        "style" in named,
    )
    listed = api.get(JOBS, {"project": "港の灯り"}).json()["jobs"]
    assert [job["job_id"] for job in listed] == [str(take.job_id)]


def problem(answer: Any) -> tuple[str, str]:
    (error,) = answer.json()["errors"]
    return error["field"], error["code"]


def test_a_name_that_two_things_have_is_asked_for_its_slug(
    api: Caller, film: Project, project: Project
) -> None:
    Character.objects.create(project=project, slug="ミカ-2", name="ミカ・港", look="1boy")
    answer = api.post(GENERATE, {**GOOD, "character": "ミカ・港"})

    assert problem(answer) == ("character", "several_of_name")
    assert answer.json()["errors"][0]["allowed"] == "ミカ, ミカ-2"


def test_a_name_tells_nothing_of_other_peoples_things(
    api: Caller, film: Project, foreign_project: Project
) -> None:
    Character.objects.create(project=foreign_project, slug="spy", name="密偵", look="hat")
    Project.objects.filter(pk=foreign_project.pk).update(name="極秘")

    for field, name in (("character", "密偵"), ("project", "極秘"), ("character", "誰か")):
        answer = api.post(GENERATE, {**GOOD, field: name})
        assert (answer.status_code, problem(answer)) == (422, (field, "not_found"))
    assert api.get(JOBS, {"project": "極秘"}).status_code == 404
