"""A row inside a page that somebody else removes while the page is open."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from studio.models import Character, Membership, Project, Reference, Role, Sequence
from tests.studio.admin.asking import address, filled, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def open_page(as_lead: Client, ours: SimpleNamespace) -> tuple[str, dict[str, Any]]:
    """The page of a project with three sequences, of which another has removed the second."""
    for order, name in enumerate(["second", "third"], start=2):
        Sequence.objects.create(project=ours.project, slug=name, name=name, order=order)
    url = address(Project, "change", ours.project.pk)
    page = filled(as_lead, url)
    Sequence.objects.get(name="second").delete()
    return url, page


def place(page: dict[str, Any], value: Any) -> str:
    """The name of the field that has this value."""
    (found,) = [name for name, of in page.items() if of == value and name.endswith("-name")]
    return found


def refused(response: Any) -> list[str]:
    """The codes at whole rows of the page."""
    formsets = [inline.formset for inline in response.context["inline_admin_formsets"]]
    forms = [form for formset in formsets for form in formset.forms]
    return [error.code for form in forms for error in form.non_field_errors().as_data()]


def sent_by(response: Any) -> dict[str, Any]:
    """What a browser sends from a page with errors."""
    forms = [response.context["adminform"].form]
    for inline in response.context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    values = {form.add_prefix(name): form[name].value() for form in forms for name in form.fields}
    return {name: value for name, value in values.items() if value not in (None, False)}


def names() -> list[str]:
    return list(Sequence.objects.order_by("order").values_list("name", flat=True))


def test_what_was_typed_into_a_removed_row_is_offered_as_a_new_row(
    as_lead: Client, open_page: tuple[str, dict[str, Any]]
) -> None:
    url, page = open_page
    page |= {place(page, "second"): "Second, anew", place(page, "third"): "Third, anew"}

    response = as_lead.post(url, page)

    assert refused(response) == ["removed_meanwhile"]
    assert "Second, anew" in text(response)
    assert names() == ["mika opening", "third"]
    assert as_lead.post(url, sent_by(response)).status_code == 302
    assert names() == ["mika opening", "Second, anew", "Third, anew"]


def test_a_removed_row_that_was_left_alone_does_not_come_back(
    as_lead: Client, open_page: tuple[str, dict[str, Any]]
) -> None:
    url, page = open_page

    assert as_lead.post(url, {**page, "description": "Ours."}).status_code == 302
    assert names() == ["mika opening", "third"]


def test_a_mistake_elsewhere_does_not_bring_a_removed_row_back(
    as_lead: Client, open_page: tuple[str, dict[str, Any]]
) -> None:
    url, page = open_page
    wrong = as_lead.post(url, {**page, place(page, "third"): ""})
    assert refused(wrong) == []

    again = sent_by(wrong)
    again[next(name for name in again if again[name] == "third").replace("-slug", "-name")] = "Last"
    assert as_lead.post(url, again).status_code == 302
    assert names() == ["mika opening", "Last"]


def test_a_row_that_both_remove_is_removed(
    as_lead: Client, open_page: tuple[str, dict[str, Any]]
) -> None:
    url, page = open_page
    chosen = place(page, "second")
    page |= {chosen: "Second, anew", chosen.replace("-name", "-DELETE"): "on"}

    assert as_lead.post(url, page).status_code == 302
    assert names() == ["mika opening", "third"]


def test_members_and_pictures_that_others_remove_hold_nothing_up(
    as_lead: Client, ours: SimpleNamespace, stranger: User
) -> None:
    Membership.objects.create(project=ours.project, user=stranger, role=Role.ARTIST)
    url = address(Project, "change", ours.project.pk)
    members = filled(as_lead, url)
    look = address(Character, "change", ours.character.pk)
    pictures = filled(as_lead, look)
    Membership.objects.filter(user=stranger).delete()
    Reference.objects.all().delete()

    assert as_lead.post(url, {**members, "description": "Ours."}).status_code == 302
    assert as_lead.post(look, {**pictures, "look": "1girl, blue hat"}).status_code == 302
    assert not Membership.objects.filter(user=stranger).exists()
    assert not Reference.objects.exists()
