"""People with their roles, and their tokens."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.test import Client

from studio.models import ApiToken, Membership, Project
from tests.studio.admin.asking import address, text


def test_roles_are_shown_and_changed(as_root: Client, artist: User, project: Project) -> None:
    assert "Harbour: Artist" in text(as_root.get(address(User)))
    url = address(User, "change", artist.pk)
    page = as_root.get(url)
    assert [i.formset.model for i in page.context["inline_admin_formsets"]] == [Membership]


def test_token_is_shown_without_its_secret_and_can_be_revoked(
    as_root: Client, artist: User
) -> None:
    token, secret = ApiToken.issue(artist, "script")
    page = text(as_root.get(address(ApiToken, "change", token.pk)))
    assert token.digest not in page
    assert secret not in page
    assert as_root.get(address(ApiToken, "add")).status_code == 403
    as_root.post(address(ApiToken, "delete", token.pk), {"post": "yes"})
    assert ApiToken.owner_of(secret) is None
