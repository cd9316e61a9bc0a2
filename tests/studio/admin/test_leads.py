"""Staff who are not superusers see only rows of the projects they lead."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from generation.models import Device, Job, ModelCard
from generation.scheduling.forecast import Forecaster
from generation.states import Status
from studio.models import ApiToken, Character, Project, Shot, Style, Take
from studio.ordering import submission
from studio.ordering.request import RenderRequest
from tests.studio.admin.asking import READ_ONLY, act, address, filled, text

SCOPED = (Project, Shot, Character, Style, *READ_ONLY)


@pytest.mark.parametrize("model", SCOPED, ids=lambda model: model.__name__)
def test_list_shows_their_projects_only(
    as_lead: Client, ours: SimpleNamespace, theirs: SimpleNamespace, model: Any
) -> None:
    page = as_lead.get(address(model))
    assert page.status_code == 200
    own = page.context["cl"].queryset
    assert 0 < own.count() < model.objects.count()
    assert "rival" not in text(page).lower()
    assert "Elsewhere" not in text(page)


@pytest.mark.parametrize(
    "name",
    ["project", "shot", "character", "style", "take", "review", "job", "attempt", "output"],
)
def test_form_opens_for_their_projects_only(
    as_lead: Client, ours: SimpleNamespace, theirs: SimpleNamespace, name: str
) -> None:
    own, other = getattr(ours, name), getattr(theirs, name)
    assert as_lead.get(address(type(own), "change", own.pk)).status_code == 200
    # Django's admin redirects to the index for rows outside the queryset.
    for page in ("change", "history"):
        assert as_lead.get(address(type(own), page, other.pk)).status_code == 302
    assert as_lead.post(address(type(own), "delete", other.pk)).status_code in (302, 403)
    assert type(own).objects.filter(pk=other.pk).exists()


def test_actions_reach_their_projects_only(
    as_lead: Client, ours: SimpleNamespace, theirs: SimpleNamespace, forecaster: Forecaster
) -> None:
    act(as_lead, Character, "deactivate", ours.character, theirs.character)
    theirs.character.refresh_from_db()
    ours.character.refresh_from_db()
    assert (ours.character.is_active, theirs.character.is_active) == (False, True)
    waiting, _ = submission.submit(
        forecaster, RenderRequest(prompt="sad", shot=theirs.shot), theirs.job.owner
    )
    act(as_lead, Job, "cancel", waiting.job)
    waiting.job.refresh_from_db()
    assert waiting.job.status == Status.QUEUED


def test_rows_cannot_be_moved_to_other_projects(
    as_lead: Client, ours: SimpleNamespace, theirs: SimpleNamespace
) -> None:
    for row in (ours.character, ours.shot, ours.style):
        url = address(type(row), "change", row.pk)
        answer = as_lead.post(url, filled(as_lead, url) | {"project": theirs.project.pk})
        assert "Select a valid choice" in text(answer)


def test_leads_may_not_add_shared_styles(as_lead: Client, ours: SimpleNamespace) -> None:
    shared = Style.objects.create(slug="plain", name="Plain")
    assert as_lead.get(address(Style, "change", shared.pk)).status_code == 302
    url = address(Style, "change", ours.style.pk)
    answer = as_lead.post(url, filled(as_lead, url) | {"project": ""})
    assert "This field is required" in text(answer)


def test_picture_of_a_style_comes_from_their_project(
    as_lead: Client, ours: SimpleNamespace, theirs: SimpleNamespace
) -> None:
    Take.objects.filter(pk=ours.take.pk).update(style=None)
    Take.objects.filter(pk=theirs.take.pk).update(style=ours.style)
    assert str(theirs.output.pk) not in text(as_lead.get(address(Style)))


def test_only_superusers_add_and_delete_projects(as_lead: Client, project: Project) -> None:
    assert as_lead.get(address(Project, "add")).status_code == 403
    assert as_lead.get(address(Project, "delete", project.pk)).status_code == 403


@pytest.mark.parametrize("model", [User, ApiToken, Device, ModelCard])
def test_leads_may_not_see_people_tokens_devices_and_models(
    as_lead: Client, toon: ModelCard, device: Device, model: Any
) -> None:
    assert as_lead.get(address(model)).status_code == 403


def test_staff_who_lead_nothing_see_nothing(
    client: Client, ours: SimpleNamespace, reviewer: User
) -> None:
    User.objects.filter(pk=reviewer.pk).update(is_staff=True)
    client.force_login(reviewer)
    assert client.get(reverse("admin:index")).status_code == 200
    for model in SCOPED:
        assert client.get(address(model)).status_code == 403


def test_members_who_are_not_staff_have_no_access(client: Client, artist: User) -> None:
    client.force_login(artist)
    assert client.get(reverse("admin:index")).status_code == 302
