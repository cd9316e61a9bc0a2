"""Tokens: shown once, kept as a hash, revoked by their owner only."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from studio.models import ApiToken, Scope
from tests.studio.conftest import LogIn

pytestmark = pytest.mark.django_db

TOKENS = "/tokens/"
SCOPES = ["read", "render", "review"]


@pytest.fixture
def client(log_in: LogIn, artist: User) -> Client:
    return log_in(artist)


def test_a_new_token_is_shown_once_and_works(client: Client, artist: User) -> None:
    answer = client.post(TOKENS, {"name": "nightly script", "scopes": SCOPES})
    found = re.search(r'<code id="secret">(genga_[\w-]+)</code>', answer.content.decode())

    assert found is not None
    secret = found[1]
    assert ApiToken.owner_of(secret) == artist
    assert answer["Cache-Control"] == "no-store"
    later = client.get(TOKENS).content.decode()
    assert secret not in later
    assert "nightly script" in later
    assert f"ends in {secret[-4:]}" in later


def test_the_secret_itself_is_kept_nowhere(client: Client) -> None:
    html = client.post(TOKENS, {"name": "script", "scopes": SCOPES}).content.decode()
    secret = re.findall(r"genga_[\w-]{40,}", html)[0]

    row = ApiToken.objects.values().get()
    assert secret not in str(row)
    assert len(row["digest"]) == 64


@pytest.mark.parametrize("name", ["", "  ", "a" * 61])
def test_a_token_needs_a_name_of_its_purpose(name: str, client: Client) -> None:
    response = client.post(TOKENS, {"name": name, "scopes": SCOPES})

    assert response.context["form"].errors["name"]
    assert not ApiToken.objects.exists()


def test_using_a_token_is_noted(client: Client, artist: User) -> None:
    _, secret = ApiToken.issue(artist, "script")
    assert "never used" in client.get(TOKENS).content.decode()

    ApiToken.owner_of(secret)

    assert re.search(
        r"last used <time [^>]*>\d\d:\d\d:\d\d</time>", client.get(TOKENS).content.decode()
    )


def test_a_revoked_token_opens_nothing_any_more(client: Client, artist: User) -> None:
    token, secret = ApiToken.issue(artist, "script")
    response = client.post(reverse("token-revoke", args=[token.pk]))

    assert response["Location"] == TOKENS
    (said,) = get_messages(response.wsgi_request)
    assert said.extra_tags == "token_revoked"
    assert "“script”" in str(said)
    assert ApiToken.owner_of(secret) is None


def test_nobody_revokes_the_token_of_another(
    artist: User, boss: User, log_in: LogIn, client: Client
) -> None:
    token, _ = ApiToken.issue(artist, "script")
    address = reverse("token-revoke", args=[token.pk])

    assert log_in(boss).post(address).status_code == 404
    assert client.get(address)["Location"] == TOKENS
    assert ApiToken.objects.exists()


def test_one_sees_ones_own_tokens_only(artist: User, reviewer: User, log_in: LogIn) -> None:
    ApiToken.issue(artist, "the artist's")

    assert "the artist" not in log_in(reviewer).get(TOKENS).content.decode()


def test_a_person_who_was_switched_off_has_no_working_token(artist: User) -> None:
    token, secret = ApiToken.issue(artist, "script")
    User.objects.update(is_active=False)

    assert ApiToken.owner_of(secret) is None
    assert ApiToken.owner_of("genga_guessed") is None
    assert str(token) == f"script (…{secret[-4:]})"


@pytest.mark.parametrize(("days", "expires"), [("", None), ("30", 30), ("90", 90), ("365", 365)])
def test_a_token_gets_the_chosen_end_and_scopes(
    days: str, expires: int | None, client: Client
) -> None:
    client.post(TOKENS, {"name": "script", "days": days, "scopes": ["review", "read"]})

    token = ApiToken.objects.get()
    assert token.scopes == ["read", "review"]
    if expires is None:
        assert token.expires_at is None
    else:
        left = token.expires_at - timezone.now()
        assert timedelta(days=expires - 1) < left <= timedelta(days=expires)
    listed = client.get(TOKENS).content.decode()
    assert all(Scope(scope).label in listed for scope in token.scopes)


def test_the_list_says_which_tokens_have_expired(client: Client, artist: User) -> None:
    now = timezone.now()
    ApiToken.issue(artist, "old", expires_at=now - timedelta(days=1))
    ApiToken.issue(artist, "new", expires_at=now + timedelta(days=1))

    new, old = client.get(TOKENS).context["tokens"]
    assert (new.has_expired, old.has_expired) == (False, True)


@pytest.mark.parametrize(
    ("field", "value"), [("scopes", []), ("scopes", ["admin"]), ("days", "7"), ("days", "x")]
)
def test_other_ends_and_scopes_are_refused(field: str, value: Any, client: Client) -> None:
    sent = {"name": "script", "scopes": SCOPES, field: value}

    assert client.post(TOKENS, sent).context["form"].errors[field]
    assert not ApiToken.objects.exists()
