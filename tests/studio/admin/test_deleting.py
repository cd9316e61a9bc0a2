"""Deleting what is in use: the page says what holds it, and what to do instead."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db.models import CASCADE
from django.db.models.signals import pre_delete
from django.test import Client

from generation.models import Device, Job, ModelCard
from studio.admin.deleting import SaysWhatHolds
from studio.admin.permissions import ReadOnly
from studio.admin.related import holding_paths, links_to
from studio.models import ApiToken, Character, Project, Shot, Style, Take
from tests.studio.admin.asking import READ_ONLY, act, address, text, told

pytestmark = pytest.mark.django_db


def ask(client: Client, *rows: Any) -> Any:
    """Open the page that asks whether to delete one row, or the one for several."""
    if len(rows) == 1:
        return client.get(address(type(rows[0]), "delete", rows[0].pk))
    return act(client, type(rows[0]), "delete_selected", *rows)


def confirm(client: Client, *rows: Any) -> Any:
    """Delete, as the buttons of these pages do."""
    if len(rows) == 1:
        return client.post(address(type(rows[0]), "delete", rows[0].pk), {"post": "yes"})
    chosen = {"action": "delete_selected", "_selected_action": [row.pk for row in rows]}
    return client.post(address(type(rows[0])), {**chosen, "post": "yes"}, follow=True)


def reasons(page: Any) -> list[tuple[str, str, str]]:
    """Why not, by what, and what to do instead: codes and numbers, for each row."""
    return [
        (held.said.code, held.said.values.get("things", ""), held.instead.code)
        for held in page.context["protected"]
    ]


def in_use(name: str, ours: SimpleNamespace) -> Any:
    return {
        "person": ours.job.owner,
        "model": ours.job.model,
        "shot": ours.shot,
        "project": ours.project,
    }[name]


REASONS = {
    "person": ("held", "1 job, 1 take and 1 review", "deactivate_person"),
    "model": ("held", "1 job", "deactivate_model"),
    "shot": ("held", "1 take", "shot_stays"),
    "project": ("held", "1 take", "project_stays"),
}


@pytest.mark.parametrize("name", REASONS)
def test_a_superuser_who_deletes_what_is_in_use_is_told_what_holds_it(
    as_root: Client, ours: SimpleNamespace, name: str
) -> None:
    row = in_use(name, ours)

    for page in (ask(as_root, row), confirm(as_root, row)):
        assert page.status_code == 200
        assert reasons(page) == [REASONS[name]]
        assert "permission" not in text(page)
        assert row.__class__.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("name", REASONS)
def test_what_holds_it_can_be_opened(as_root: Client, ours: SimpleNamespace, name: str) -> None:
    (held,) = ask(as_root, in_use(name, ours)).context["protected"]

    listed = [one.url for one in held.things if one.url]
    assert listed
    for url in listed:
        assert as_root.get(url).context["cl"].result_count == 1
    for one in held.things:
        assert [as_root.get(url).status_code for _, url in one.examples] == [200]


def test_of_several_people_those_in_use_are_named(
    as_root: Client, ours: SimpleNamespace, stranger: User
) -> None:
    artist = ours.job.owner

    for page in (ask(as_root, artist, stranger), confirm(as_root, artist, stranger)):
        assert [held.row for held in page.context["protected"]] == [artist]
        assert reasons(page) == [REASONS["person"]]
        assert page.context["rest"].values == {"count": 1, "chosen": 2}
    assert User.objects.filter(pk__in=[artist.pk, stranger.pk]).count() == 2


def test_a_model_in_use_is_deactivated_from_the_page(
    as_root: Client, ours: SimpleNamespace
) -> None:
    toon = ours.job.model
    assert 'name="action" value="deactivate"' in text(ask(as_root, toon))

    assert told(act(as_root, ModelCard, "deactivate", toon)) == ["deactivated"]

    page = ask(as_root, toon)
    assert reasons(page) == [("held", "1 job", "is_deactivated")]
    assert 'value="deactivate"' not in text(page)


def test_a_person_in_use_is_deactivated_on_their_own_page(
    as_root: Client, ours: SimpleNamespace
) -> None:
    artist = ours.job.owner
    assert f'href="{address(User, "change", artist.pk)}"' in text(ask(as_root, artist))

    User.objects.filter(pk=artist.pk).update(is_active=False)

    assert reasons(ask(as_root, artist))[0][2] == "is_deactivated"


def test_who_may_not_see_a_project_is_told_numbers_only(
    client: Client, ours: SimpleNamespace
) -> None:
    clerk = User.objects.create_user("clerk", is_staff=True)
    wanted = ["view_modelcard", "delete_modelcard"]
    clerk.user_permissions.set(Permission.objects.filter(codename__in=wanted))
    client.force_login(clerk)

    page = ask(client, ours.job.model)

    assert reasons(page) == [REASONS["model"]]
    assert [(one.url, one.examples) for one in page.context["protected"][0].things] == [("", [])]
    assert 'value="deactivate"' not in text(page)


def test_a_lead_is_told_what_holds_a_shot(as_lead: Client, ours: SimpleNamespace) -> None:
    assert reasons(confirm(as_lead, ours.shot)) == [REASONS["shot"]]


def test_who_lacks_the_permission_is_still_refused(as_lead: Client, ours: SimpleNamespace) -> None:
    for row in (ours.job.model, ours.job.owner, ours.project):
        assert ask(as_lead, row).status_code == 403
        assert confirm(as_lead, row).status_code == 403


def test_a_device_that_is_online_cannot_be_deleted_and_says_why(
    as_root: Client, device: Device
) -> None:
    for page in (ask(as_root, device), confirm(as_root, device)):
        assert reasons(page) == [("device_is_online", "", "stop_its_worker")]
    assert Device.objects.exists()


def test_a_device_that_is_away_is_deleted_and_its_calibrations_stay(
    as_root: Client, ours: SimpleNamespace, device: Device
) -> None:
    Job.objects.update(pinned_to=device)
    Device.objects.update(heartbeat_at=None)

    (kept,) = ask(as_root, device).context["kept"]
    assert kept.values["things"] == "1 attempt and 1 job"
    assert confirm(as_root, device).status_code == 302

    assert not Device.objects.exists()
    assert Take.objects.get().job.pinned_to is None


def test_a_device_that_is_away_is_held_by_the_calibrations_that_wait_for_it(
    as_root: Client, ours: SimpleNamespace, device: Device
) -> None:
    Job.objects.update(pinned_to=device, status="queued", finished_at=None)
    Device.objects.update(heartbeat_at=None)

    page = confirm(as_root, device)

    assert reasons(page) == [("device_has_jobs", "1 job", "cancel_its_jobs")]
    assert Device.objects.exists()


@pytest.mark.parametrize("name", ["character", "style"])
def test_what_is_deleted_from_takes_is_said_before(
    as_root: Client, ours: SimpleNamespace, name: str
) -> None:
    row = getattr(ours, name)

    for rows in ([row], [row, type(row).objects.create(**another(row))]):
        page = ask(as_root, *rows)
        assert [said.values for said in page.context["kept"]] == [
            {"name": str(row), "things": "1 take"}
        ]
        assert [said.code for said in page.context["instead"]] == ["deactivate_row"]
    assert confirm(as_root, row).status_code == 302

    assert getattr(Take.objects.get(), name) is None


def another(row: Character | Style) -> dict[str, Any]:
    return {"project": row.project, "slug": "another", "name": "Another"}


def test_a_project_without_takes_lists_all_that_goes_with_it(
    as_root: Client, ours: SimpleNamespace
) -> None:
    empty = Project.objects.create(slug="empty", name="Empty")
    Shot.objects.create(project=empty, slug="sh010", name="Unused")

    page = ask(as_root, empty)
    assert dict(page.context["model_count"]) == {"projects": 1, "shots": 1}
    assert page.context["kept"] == []
    assert confirm(as_root, empty).status_code == 302

    assert not Shot.objects.filter(name="Unused").exists()
    assert Take.objects.exists()


def test_the_revoked_token_of_a_person_in_use_holds_nothing(
    as_root: Client, ours: SimpleNamespace
) -> None:
    token, _ = ApiToken.issue(ours.job.owner, "script")

    assert confirm(as_root, token).status_code == 302


def test_nothing_of_the_history_goes_with_what_people_delete() -> None:
    for model, model_admin in admin.site._registry.items():
        if not isinstance(model_admin, ReadOnly):
            gone = {link.table for link in links_to(model) if link.on_delete is CASCADE}
            assert gone.isdisjoint(READ_ONLY), model
            assert isinstance(model_admin, SaysWhatHolds) or not holding_paths(model), model


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("count", [1, 2])
def test_a_render_that_is_asked_for_meanwhile_keeps_the_model(
    as_root: Client, ours: SimpleNamespace, count: int
) -> None:
    toon = ours.job.model
    rows = [
        ModelCard.objects.create(slug=f"new{number}", name=f"New {number}", family=toon.family)
        for number in range(count)
    ]

    def submitted(**_: Any) -> None:
        Job.objects.update(model=rows[0])

    pre_delete.connect(submitted, sender=ModelCard)
    try:
        page = confirm(as_root, *rows)
    finally:
        pre_delete.disconnect(submitted, sender=ModelCard)

    assert told(page if count > 1 else as_root.get(page.url)) == ["used_meanwhile"]
    assert ModelCard.objects.filter(slug__startswith="new").count() == count
    assert not LogEntry.objects.exists()
