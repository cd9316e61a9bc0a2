"""Two people have one row open: nothing that either has typed is lost."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.options import InlineModelAdmin
from django.contrib.auth.models import Group, Permission, User
from django.test import Client, RequestFactory

from generation.models import Device, ModelCard
from studio.admin.editing import EditForm, HeedsOthers
from studio.admin.removed_rows import HeedingFormSet
from studio.models import Character, Project, Shot
from tests.studio.admin.asking import address, filled, text

pytestmark = pytest.mark.django_db


def refused(response: Any) -> dict[str, list[str]]:
    """The codes at each field of a form that was not saved; empty for a saved one."""
    if response.status_code == 302:
        return {}
    errors = response.context["adminform"].form.errors.as_data()
    return {name: [error.code for error in told] for name, told in errors.items()}


def test_the_second_of_two_tabs_is_told_what_the_first_has_saved(
    as_lead: Client, ours: SimpleNamespace
) -> None:
    url = address(Character, "change", ours.character.pk)
    first, second = filled(as_lead, url), filled(as_lead, url)
    assert refused(as_lead.post(url, {**first, "look": "1girl, red <coat>"})) == {}

    response = as_lead.post(url, {**second, "look": "1girl, blue hat"})

    assert refused(response) == {"look": ["saved_meanwhile"]}
    assert "1girl, red &lt;coat&gt;" in text(response)
    assert "1girl, blue hat</textarea>" in text(response)
    ours.character.refresh_from_db()
    assert ours.character.look == "1girl, red <coat>"


def test_who_has_seen_the_conflict_may_save_over_it(as_lead: Client, ours: SimpleNamespace) -> None:
    url = address(Character, "change", ours.character.pk)
    page = filled(as_lead, url)
    Character.objects.update(look="1girl, red coat")
    mine = {**page, "look": "1girl, blue hat"}
    shown = as_lead.post(url, mine).context["adminform"].form

    assert refused(as_lead.post(url, {**mine, "opened_with": shown["opened_with"].value()})) == {}
    ours.character.refresh_from_db()
    assert ours.character.look == "1girl, blue hat"


def test_changes_of_different_fields_are_both_kept(as_lead: Client, ours: SimpleNamespace) -> None:
    url = address(Shot, "change", ours.shot.pk)
    page = filled(as_lead, url)
    Shot.objects.update(prompt="a lantern\nat night", sequence=None)

    assert refused(as_lead.post(url, {**page, "description": "The first evening."})) == {}
    ours.shot.refresh_from_db()
    assert (ours.shot.prompt, ours.shot.sequence) == ("a lantern\nat night", None)
    assert ours.shot.description == "The first evening."


def test_a_mistake_elsewhere_does_not_bring_back_what_another_has_changed(
    as_lead: Client, ours: SimpleNamespace
) -> None:
    url = address(Shot, "change", ours.shot.pk)
    page = filled(as_lead, url)
    Shot.objects.update(prompt="a lantern")
    wrong = as_lead.post(url, {**page, "order": "first"}).context["adminform"].form
    assert "order" in wrong.errors

    stamp = wrong["opened_with"].value()
    assert refused(as_lead.post(url, {**page, "order": 3, "opened_with": stamp})) == {}
    ours.shot.refresh_from_db()
    assert (ours.shot.prompt, ours.shot.order) == ("a lantern", 3)


def test_the_same_change_by_both_is_no_conflict(as_lead: Client, ours: SimpleNamespace) -> None:
    url = address(Shot, "change", ours.shot.pk)
    page = filled(as_lead, url)
    Shot.objects.update(prompt="a lantern")

    assert refused(as_lead.post(url, {**page, "prompt": "a lantern"})) == {}


def waiting_save(person: User, row: Any, page: dict[str, Any]) -> Any:
    """The form of a save that has loaded the row and waits until another save has ended."""
    request = RequestFactory().post("/admin/")
    request.user = person
    form = admin.site.get_model_admin(type(row)).get_form(request, row, change=True)
    return form(page, instance=type(row).objects.get(pk=row.pk))


def test_a_save_that_waited_for_another_keeps_what_the_other_has_changed(
    as_lead: Client, lead: User, ours: SimpleNamespace
) -> None:
    page = filled(as_lead, address(Shot, "change", ours.shot.pk))
    form = waiting_save(lead, ours.shot, {**page, "description": "The first evening."})
    Shot.objects.update(prompt="a lantern", sequence=None)

    assert form.is_valid(), form.errors
    form.save()
    ours.shot.refresh_from_db()
    assert (ours.shot.prompt, ours.shot.sequence) == ("a lantern", None)
    assert ours.shot.description == "The first evening."


def test_a_save_that_waited_for_another_is_told_of_a_conflict(
    as_lead: Client, lead: User, ours: SimpleNamespace
) -> None:
    page = filled(as_lead, address(Shot, "change", ours.shot.pk))
    form = waiting_save(lead, ours.shot, {**page, "prompt": "a bridge"})
    Shot.objects.update(prompt="a lantern")

    assert [error.code for error in form.errors.as_data()["prompt"]] == ["saved_meanwhile"]


def test_a_save_that_waited_for_a_deletion_does_not_bring_the_row_back(
    as_root: Client, boss: User
) -> None:
    group = Group.objects.create(name="night shift")
    page = filled(as_root, address(Group, "change", group.pk))
    form = waiting_save(boss, group, {**page, "name": "day shift"})
    group.delete()

    assert [error.code for error in form.errors.as_data()["__all__"]] == ["deleted_meanwhile"]
    assert form["name"].value() == "day shift"


def test_a_save_that_waited_for_another_keeps_what_its_form_does_not_change(
    as_root: Client, boss: User, ours: SimpleNamespace, artist: User
) -> None:
    page = filled(as_root, address(User, "change", artist.pk))
    form = waiting_save(boss, artist, {**page, "first_name": "Aiko"})
    artist.set_password("a new one")
    artist.save()
    character = ours.character
    page = filled(as_root, address(Character, "change", character.pk))
    other = waiting_save(boss, character, {**page, "look": "1girl, blue hat"})
    Character.objects.update(lora="loras/new.safetensors", lora_sha256="1" * 64)

    for waited in (form, other):
        assert waited.is_valid(), waited.errors
        waited.save()
    artist.refresh_from_db()
    character.refresh_from_db()
    assert artist.check_password("a new one")
    assert (artist.first_name, character.look) == ("Aiko", "1girl, blue hat")
    assert (character.lora, character.lora_sha256) == ("loras/new.safetensors", "1" * 64)


@pytest.mark.parametrize(
    ("which", "field", "theirs", "mine"),
    [
        ("project", "description", "Theirs.", "Mine."),
        ("style", "template", "theirs, {prompt}", "mine, {prompt}"),
        ("model", "description", "Theirs.", "Mine."),
        ("device", "pause", "soft", "at_once"),
        ("device", "works", ["image"], ["video"]),
        ("person", "first_name", "Aiko", "Yuki"),
        ("group", "name", "theirs", "mine"),
    ],
)
def test_everything_that_people_edit_is_heeded(
    which: str,
    field: str,
    theirs: Any,
    mine: Any,
    as_root: Client,
    ours: SimpleNamespace,
    artist: User,
    toon: ModelCard,
    device: Device,
) -> None:
    group = Group.objects.create(name="night shift")
    others = {"model": toon, "device": device, "person": artist, "group": group}
    row = others.get(which) or getattr(ours, which)
    url = address(type(row), "change", row.pk)
    page = filled(as_root, url)
    type(row)._default_manager.filter(pk=row.pk).update(**{field: theirs})

    assert refused(as_root.post(url, {**page, field: mine})) == {field: ["saved_meanwhile"]}


def test_every_page_of_the_admin_site_that_changes_rows_heeds_others(
    boss: User, rf: RequestFactory
) -> None:
    request = rf.get("/admin/")
    request.user = boss
    pages = list(admin.site._registry.values())
    pages += [inline for page in pages for inline in page.get_inline_instances(request)]
    changing = [page for page in pages if page.has_change_permission(request)]

    assert len(changing) >= 10
    for page in changing:
        assert isinstance(page, HeedsOthers), page
        assert issubclass(page.form, EditForm), page
        if isinstance(page, InlineModelAdmin):
            assert issubclass(page.formset, HeedingFormSet), page


def test_who_may_only_look_at_a_row_does_not_see_the_stamp(client: Client, artist: User) -> None:
    group = Group.objects.create(name="night shift")
    artist.is_staff = True
    artist.save()
    artist.user_permissions.set(Permission.objects.filter(codename="view_group"))
    client.force_login(artist)

    response = client.get(address(Group, "change", group.pk))

    assert response.status_code == 200
    assert "opened" not in text(response).lower()


def test_rows_inside_another_page_are_heeded_too(as_lead: Client, ours: SimpleNamespace) -> None:
    url = address(Project, "change", ours.project.pk)
    page = filled(as_lead, url)
    (place,) = [name for name, value in page.items() if value == ours.sequence.name]
    assert place.endswith("-name")
    page[place] = "Mine"
    type(ours.sequence).objects.update(name="Theirs")

    response = as_lead.post(url, page)

    formsets = [inline.formset for inline in response.context["inline_admin_formsets"]]
    errors = [form.errors.as_data() for formset in formsets for form in formset.forms]
    assert [error.code for told in errors for error in told.get("name", [])] == ["saved_meanwhile"]
    ours.sequence.refresh_from_db()
    assert ours.sequence.name == "Theirs"


def rows_of(client: Client, model: Any) -> dict[str, Any]:
    """What a browser submits from a list with fields that can be changed in place."""
    formset = client.get(address(model)).context["cl"].formset
    page = {f"form-{name}": value for name, value in formset.management_form.initial.items()}
    for form in formset.forms:
        page[form.add_prefix("id")] = form.instance.pk
        for name in model_fields(form):
            page[form.add_prefix(name)] = page[form.add_initial_prefix(name)] = form.initial[name]
    return {**page, "_save": "Save"}


def model_fields(form: Any) -> list[str]:
    return [name for name, field in form.fields.items() if field.show_hidden_initial]


def test_a_list_saves_only_the_rows_that_were_touched(
    as_lead: Client, ours: SimpleNamespace
) -> None:
    other = Shot.objects.create(project=ours.project, name="Another", slug="another")
    page = rows_of(as_lead, Shot)
    places = {page[f"form-{row}-id"]: row for row in range(page["form-TOTAL_FORMS"])}
    Shot.objects.filter(pk=other.pk).update(order=70)

    as_lead.post(address(Shot), {**page, f"form-{places[ours.shot.pk]}-order": 7})

    other.refresh_from_db()
    ours.shot.refresh_from_db()
    assert (other.order, ours.shot.order) == (70, 7)


def test_a_list_shows_what_another_has_changed_in_a_touched_row(
    as_root: Client, device: Device
) -> None:
    page = rows_of(as_root, Device)
    assert "initial-form-0-pause" in text(as_root.get(address(Device)))
    Device.objects.update(pause="soft")
    mine = {**page, "form-0-pause": "at_once"}

    response = as_root.post(address(Device), mine)

    (form,) = response.context["cl"].formset.forms
    assert [error.code for error in form.errors.as_data()["pause"]] == ["saved_meanwhile"]
    device.refresh_from_db()
    assert device.pause == "soft"
    again = {**mine, "initial-form-0-pause": form["pause"].form.data["initial-form-0-pause"]}
    assert as_root.post(address(Device), again).status_code == 302
