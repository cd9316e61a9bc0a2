"""Every list and form of the admin site answers; the history is read-only."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client

from generation.models import ModelCard
from studio.models import ApiToken, Character, Project, Shot, Style
from tests.studio.admin.asking import READ_ONLY, address

LISTS = [model for model in admin.site._registry if model._meta.app_label != "admin"]


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
def test_every_list_answers(as_root: Client, ours: SimpleNamespace, model: Any) -> None:
    ApiToken.issue(User.objects.get(username="artist"), "script")
    assert as_root.get(address(model)).status_code == 200
    assert as_root.get(address(model), {"q": "mika"}).status_code == 200


@pytest.mark.parametrize("model", LISTS, ids=lambda model: model.__name__)
def test_every_form_answers(as_root: Client, ours: SimpleNamespace, model: Any) -> None:
    ApiToken.issue(User.objects.get(username="artist"), "script")
    for row in model.objects.all()[:3]:
        assert as_root.get(address(model, "change", row.pk)).status_code == 200
        assert as_root.get(address(model, "history", row.pk)).status_code == 200


@pytest.mark.parametrize("model", [Project, Shot, Character, Style, User])
def test_add_pages_answer(as_root: Client, toon: ModelCard, model: Any) -> None:
    assert as_root.get(address(model, "add")).status_code == 200


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
def test_history_is_read_only(as_root: Client, ours: SimpleNamespace, model: Any) -> None:
    row = model.objects.first()
    assert as_root.get(address(model, "add")).status_code == 403
    assert as_root.post(address(model, "change", row.pk), {}).status_code == 403
    assert as_root.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    assert model.objects.filter(pk=row.pk).exists()
