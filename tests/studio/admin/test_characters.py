"""Characters: added with a first reference, and a link to render them."""

from __future__ import annotations

from types import SimpleNamespace

from django.test import Client

from studio.models import Character, Project
from tests.studio.admin.asking import address, filled, picture_file, text


def test_list_leads_to_the_render_page(as_root: Client, ours: SimpleNamespace) -> None:
    page = text(as_root.get(address(Character)))
    assert f'src="/references/{ours.reference.pk}/"' in page
    assert 'href="/render/?character=mika"' in page
    assert "/render/?character=mika" in text(
        as_root.get(address(Character, "change", ours.character.pk))
    )


def test_new_character_with_its_first_reference(as_root: Client, project: Project) -> None:
    data = filled(as_root, address(Character, "add")) | {
        "project": project.pk,
        "name": "Sora",
        "slug": "sora",
        "look": "1boy, short black hair",
        "references-0-picture": picture_file(),
    }
    assert as_root.post(address(Character, "add"), data).status_code == 302
    assert Character.objects.get(slug="sora").references.count() == 1
