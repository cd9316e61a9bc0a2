"""Names as people read them, and the addresses made of them."""

from __future__ import annotations

import pytest

from studio.models import Project, Shot
from studio.models.names import SLUG_LENGTH, free_copy_name, free_slug, name_key, of_name, of_slug


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("第3カット", "第３ｶｯﾄ"),
        ("ガラス", "\u30ab\u3099ラス"),
        ("Straße", "STRASSE"),
        ("sh010", "\uff33\uff28\uff10\uff11\uff10"),
        ("港 の\u3000灯り", "港  の 灯り"),
        ("葛\U000e0100城", "葛城"),
    ],
)
def test_names_that_read_the_same_are_the_same(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(("one", "other"), [("第3カット", "第4カット"), ("か", "カ"), ("は", "ば")])
def test_names_that_read_differently_are_different(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


@pytest.mark.parametrize("name", ["", " ", "\u200b", "\u2060\ufe0f"])
def test_a_name_of_nothing_visible_has_no_key(name: str) -> None:
    assert name_key(name) == ""


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["長" * 100, "x" * 100, "長い-" * 20])
def test_a_long_name_has_an_address_of_its_own_every_time(name: str, project: Project) -> None:
    for _ in range(12):
        slug = free_slug(name, project.shots.all())
        Shot.objects.create(project=project, slug=slug, name=name)

    slugs = set(project.shots.values_list("slug", flat=True))
    assert len(slugs) == 12
    assert max(map(len, slugs)) <= SLUG_LENGTH


@pytest.mark.django_db
def test_a_persons_sketchbook_cannot_be_taken_by_an_address() -> None:
    assert free_slug("Sketchbook 5", Project.objects.all()) == "sketchbook-5-2"


def test_a_copy_is_named_after_its_original() -> None:
    assert free_copy_name("墨", []) == "墨 (copy)"
    assert free_copy_name("墨", ["墨 (Copy)", "墨 (copy 2)"]) == "墨 (copy 3)"
    assert len(free_copy_name("墨" * 100, [])) == 100


@pytest.mark.django_db
def test_things_are_found_by_address_and_by_name(project: Project) -> None:
    shot = Shot.objects.create(project=project, slug="港の灯り", name="港の灯り 第3カット")

    assert of_slug(Shot.objects.all(), "港の灯り") == shot
    assert of_slug(Shot.objects.all(), "港の灯り 第3カット") is None
    assert of_name(Shot.objects.all(), "港の灯り　第３カット") == [shot]
    assert of_name(Shot.objects.all(), "\u200b") == []
