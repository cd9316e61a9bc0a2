"""Takes in the admin site: into the trash, out of it, and to their end."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from generation.models import Job, Output
from studio.models import Take
from tests.studio.conftest import MakeTake

pytestmark = pytest.mark.django_db(transaction=True)


def act(client: Client, action: str, *takes: Take) -> list[str]:
    """Choose an action for takes; the codes of what is said."""
    chosen = {"action": action, "_selected_action": [take.pk for take in takes]}
    answer = client.post(reverse("admin:studio_take_changelist"), chosen, follow=True)
    return [code for message in answer.context["messages"] for code in message.tags.split()]


def test_a_lead_deletes_restores_and_frees_takes(
    as_lead: Client, finished: MakeTake, queued: MakeTake
) -> None:
    take, waiting = finished(), queued()

    said = act(as_lead, "move_to_trash", take, waiting)
    assert {"moved_to_trash", "delete_needs_end"} <= set(" ".join(said).split())
    assert list(Job.objects.in_trash()) == [take.job]

    assert "restored_from_trash" in act(as_lead, "restore", take)
    assert "not_in_trash" in act(as_lead, "free", take), "it is not in the trash now"

    act(as_lead, "move_to_trash", take)
    assert "freed" in act(as_lead, "free", take)
    assert not Output.objects.filter(job=take.job).exists()
