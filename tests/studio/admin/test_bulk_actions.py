"""Bulk actions are logged for each row that they changed, and for no other."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.test import Client

from generation.models import Job, ModelCard
from studio.models import Character, Style
from tests.studio.admin.asking import act, address, text, told


def logged(row: Any) -> list[str]:
    """The log messages of a row, oldest first."""
    entries = LogEntry.objects.filter(
        content_type__app_label=row._meta.app_label,
        content_type__model=row._meta.model_name,
        object_id=str(row.pk),
    )
    return [entry.get_change_message() for entry in entries.order_by("pk")]


@pytest.mark.parametrize("model", [Character, Style])
def test_rows_are_deactivated_and_activated_in_bulk(
    as_root: Client, ours: SimpleNamespace, model: Any
) -> None:
    row = model.objects.get()
    assert told(act(as_root, model, "deactivate", row)) == ["deactivated"]
    assert not model.objects.get().is_active
    assert told(act(as_root, model, "activate", row)) == ["activated"]
    assert model.objects.get().is_active


def test_activation_is_logged_for_changed_rows_only(
    as_root: Client, boss: User, ours: SimpleNamespace
) -> None:
    off = Character.objects.create(project=ours.project, slug="sora", name="Sora", is_active=False)
    act(as_root, Character, "deactivate", ours.character, off)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.action_flag) == (boss, CHANGE)
    assert entry.get_edited_object() == ours.character
    act(as_root, Character, "activate", ours.character, off)
    assert logged(ours.character) == ["Deactivated.", "Activated."]
    assert logged(off) == ["Activated."]


def test_rows_of_other_projects_are_not_logged(
    as_lead: Client, ours: SimpleNamespace, theirs: SimpleNamespace
) -> None:
    act(as_lead, Style, "deactivate", ours.style, theirs.style)
    assert logged(ours.style) == ["Deactivated."]
    assert logged(theirs.style) == []


def test_changed_jobs_are_logged(
    as_root: Client, submit: Callable[..., Job], ours: SimpleNamespace
) -> None:
    job = submit()
    for action in ("priority_urgent", "priority_urgent", "cancel", "cancel", "retry"):
        act(as_root, Job, action, job, ours.job)
    assert logged(job) == [
        "1 job moved to urgent priority.",
        "1 job cancelled.",
        "1 job put back into the queue.",
    ]
    assert logged(ours.job) == []
    history = text(as_root.get(address(Job, "history", job.pk)))
    assert "1 job moved to urgent priority." in history


def test_new_default_and_the_former_one_are_logged(as_root: Client, toon: ModelCard) -> None:
    other = ModelCard.objects.create(
        slug="other", name="Other", family="f", folder="/nowhere", types=["image"]
    )
    act(as_root, ModelCard, "set_as_default", other)
    act(as_root, ModelCard, "set_as_default", other)
    assert logged(toon) == ["No longer the default."]
    assert logged(other) == ["Set as default."]


def test_duplicates_are_logged_as_new(as_root: Client, ours: SimpleNamespace) -> None:
    act(as_root, Style, "duplicate", ours.style)
    entry = LogEntry.objects.get()
    assert entry.action_flag == ADDITION
    assert entry.get_edited_object() == Style.objects.get(slug="mika-ink-copy")
    assert logged(ours.style) == []
