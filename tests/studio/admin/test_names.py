"""Names and addresses on the admin site: in any script, and told apart as people tell them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from studio.models import Character, Project, Sequence, Shot, Style
from tests.studio.admin.asking import address, filled


def add(client: Client, model: Any, **typed: Any) -> Any:
    """Send the form of a new row, filled as a browser would."""
    page = address(model, "add")
    return client.post(page, filled(client, page) | typed)


def codes(answer: Any, field: str) -> list[str]:
    return [error.code for error in answer.context["adminform"].form.errors.as_data()[field]]


@pytest.mark.parametrize("slug", ["", "港の灯り-第3カット", "港の灯り-第\uff13ｶｯﾄ"])
def test_a_japanese_name_gets_an_address(as_root: Client, project: Project, slug: str) -> None:
    answer = add(as_root, Shot, project=project.pk, name="港の灯り 第3カット", slug=slug)

    assert answer.status_code == 302
    assert Shot.objects.get(name="港の灯り 第3カット").slug == "港の灯り-第3カット"


def test_the_page_makes_the_address_of_any_script(as_root: Client) -> None:
    for model in (Project, Shot, Character, Style):
        (field,) = as_root.get(address(model, "add")).context["adminform"].prepopulated_fields
        assert field["field"].field.allow_unicode, model


def test_an_address_that_the_page_made_is_numbered_where_it_is_taken(
    as_root: Client, ours: SimpleNamespace
) -> None:
    typed = {"project": ours.project.pk, "look": "1boy"}
    assert add(as_root, Character, name="ミカ", slug="ミカ", **typed).status_code == 302
    assert add(as_root, Character, name="ミカ!", slug="ミカ", **typed).status_code == 302
    assert add(as_root, Character, name="🌊", slug="", **typed).status_code == 302

    assert Character.objects.get(name="ミカ!").slug == "ミカ-2"
    assert Character.objects.get(name="🌊").slug == "character-1"


def test_an_address_that_was_typed_is_taken_as_typed_or_refused(
    as_root: Client, project: Project
) -> None:
    Shot.objects.create(project=project, slug="sh020", name="Gulls")

    taken = add(as_root, Shot, project=project.pk, name="屋上", slug="sh020")
    reserved = add(as_root, Shot, project=project.pk, name="屋上", slug="sketches")
    free = add(as_root, Shot, project=project.pk, name="屋上", slug="sh030")

    assert codes(taken, "slug") == ["slug_taken"]
    assert codes(reserved, "slug") == ["slug_reserved"]
    assert (free.status_code, Shot.objects.get(name="屋上").slug) == (302, "sh030")


def test_a_name_is_taken_within_its_project_only(
    as_root: Client, ours: SimpleNamespace, theirs: SimpleNamespace
) -> None:
    typed = {"name": ours.character.name.upper(), "look": "1girl"}
    same = add(as_root, Character, project=ours.project.pk, slug="other", **typed)
    elsewhere = add(as_root, Character, project=theirs.project.pk, slug="other", **typed)

    assert codes(same, "name") == ["name_taken"]
    assert ours.character.slug in same.context["adminform"].form.errors["name"][0]
    assert elsewhere.status_code == 302


def test_a_name_that_other_rows_had_before_can_still_be_saved(
    as_root: Client, project: Project
) -> None:
    first, second = (
        Shot.objects.create(project=project, slug=slug, name="Gulls") for slug in ("a", "b")
    )
    page = address(Shot, "change", second.pk)
    data = filled(as_root, page)

    assert as_root.post(page, data | {"prompt": "gulls"}).status_code == 302
    assert codes(as_root.post(page, data | {"name": "GULLS"}), "name") == ["name_taken"]
    renamed = as_root.post(page, data | {"name": "鴎"})
    second.refresh_from_db()
    assert (renamed.status_code, second.name, second.slug) == (302, "鴎", "b")
    assert first.slug == "a"


def test_sequences_that_are_saved_together_are_told_apart(
    as_root: Client, project: Project
) -> None:
    page = address(Project, "change", project.pk)
    typed = filled(as_root, page) | {"sequences-TOTAL_FORMS": 2}

    def save(*names: str) -> Any:
        rows = {f"sequences-{place}-name": name for place, name in enumerate(names)}
        return as_root.post(page, typed | rows | {f"{row[:-4]}order": 0 for row in rows})

    assert save("序章", "序 章").status_code == 302
    assert sorted(Sequence.objects.values_list("slug", flat=True)) == ["序-章", "序章"]
    Sequence.objects.all().delete()
    assert save("終章!", "終章").status_code == 302
    assert sorted(Sequence.objects.values_list("slug", flat=True)) == ["終章", "終章-2"]
    Sequence.objects.all().delete()
    assert save("第1章", "第\uff11章").status_code == 200
    assert not Sequence.objects.exists()
