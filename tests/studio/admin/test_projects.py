"""Projects with their people, sequences and shots."""

from __future__ import annotations

from types import SimpleNamespace

from django.contrib.auth.models import User
from django.test import Client

from studio.models import Membership, Project, Role, Sequence, Shot, Take
from tests.studio.admin.asking import address, filled, text


def test_people_and_sequences_are_changed_with_the_project(
    as_root: Client, ours: SimpleNamespace, stranger: User
) -> None:
    url = address(Project, "change", ours.project.pk)
    data = filled(as_root, url) | {
        "memberships-TOTAL_FORMS": 3,
        "memberships-2-project": ours.project.pk,
        "memberships-2-user": stranger.pk,
        "memberships-2-role": Role.REVIEWER,
        "sequences-0-name": "Prologue",
    }
    assert as_root.post(url, data).status_code == 302
    assert Membership.objects.get(user=stranger).role == Role.REVIEWER
    assert Sequence.objects.get().name == "Prologue"


def test_shots_are_put_in_order_in_the_list(as_root: Client, ours: SimpleNamespace) -> None:
    data = {
        "form-TOTAL_FORMS": 1,
        "form-INITIAL_FORMS": 1,
        "form-0-id": ours.shot.pk,
        "form-0-order": 7,
        "_save": "Save",
    }
    assert as_root.post(address(Shot), data).status_code == 302
    ours.shot.refresh_from_db()
    assert ours.shot.order == 7


def test_sequence_of_another_project_is_refused(
    as_root: Client, ours: SimpleNamespace, theirs: SimpleNamespace
) -> None:
    url = address(Shot, "change", ours.shot.pk)
    answer = as_root.post(url, filled(as_root, url) | {"sequence": theirs.sequence.pk})
    assert "rival opening belongs to Elsewhere." in text(answer)


def test_rows_with_takes_cannot_be_deleted(as_root: Client, ours: SimpleNamespace) -> None:
    for row in (ours.shot, ours.project):
        url = address(type(row), "delete", row.pk)
        assert as_root.post(url, {"post": "yes"}).status_code == 200
    assert Take.objects.exists()
