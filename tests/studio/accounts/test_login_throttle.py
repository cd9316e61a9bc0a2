"""Guessing passwords is slow, whatever form they are typed into."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from studio.accounts import login_throttle
from studio.accounts.login_throttle import MOST_OF_A_NAME, MOST_OF_AN_ADDRESS, MOST_OF_BOTH, WINDOW
from studio.models import LoginAttempt

pytestmark = pytest.mark.django_db

FORMS = ["/login/", "/admin/login/"]
GUESS = "a guess"


def type_in(name: str, password: str, form: str = "/login/", **sent: str) -> Any:
    return Client().post(form, {"username": name, "password": password}, **sent)


def codes(response: Any) -> list[str]:
    """Why the form was refused."""
    errors: dict[str, list[Any]] = response.context["form"].errors.as_data()
    return [error.code for error in errors["__all__"]]


def exhaust(name: str, form: str = "/login/", **sent: str) -> None:
    for _ in range(MOST_OF_BOTH):
        assert codes(type_in(name, GUESS, form, **sent)) == ["invalid_login"]


@pytest.mark.parametrize("form", FORMS)
def test_after_some_guesses_a_right_password_has_to_wait_too(form: str, boss: User) -> None:
    exhaust("boss", form)

    response = type_in("boss", "boss", form)

    assert response.status_code == 429
    assert codes(response) == ["too_many_logins"]
    assert 0 < int(response["Retry-After"]) <= WINDOW.total_seconds()
    assert "10 min" in response.content.decode()


def test_both_forms_count_together(boss: User) -> None:
    exhaust("boss", "/admin/login/")

    assert type_in("boss", "boss", "/login/").status_code == 429


@pytest.mark.parametrize("spelling", ["BOSS", "ｂｏｓｓ"])
def test_another_spelling_of_the_name_does_not_start_anew(spelling: str, boss: User) -> None:
    exhaust(spelling)

    assert type_in("boss", "boss").status_code == 429


def test_others_log_in_meanwhile(boss: User, artist: User) -> None:
    exhaust("boss")

    assert type_in("artist", "artist").status_code == 302


def test_a_stranger_who_guesses_keeps_nobody_out(artist: User) -> None:
    exhaust("artist", REMOTE_ADDR="192.0.2.9")
    assert type_in("artist", "artist", REMOTE_ADDR="192.0.2.9").status_code == 429

    assert type_in("artist", "artist").status_code == 302

    refused = type_in("artist", "artist", REMOTE_ADDR="192.0.2.9")
    assert refused.status_code == 429, "another's login forgives the stranger nothing"


def test_many_addresses_cannot_try_one_name(artist: User) -> None:
    for number in range(MOST_OF_A_NAME):
        type_in("artist", GUESS, REMOTE_ADDR=f"192.0.2.{number}")

    assert type_in("artist", "artist").status_code == 429


def test_a_login_forgets_the_wrong_attempts_before_it(artist: User) -> None:
    for _ in range(MOST_OF_BOTH - 1):
        type_in("artist", GUESS)
    assert type_in("artist", "artist").status_code == 302

    exhaust("artist")


def test_the_wait_ends_although_somebody_goes_on_trying(artist: User) -> None:
    exhaust("artist")
    assert type_in("artist", GUESS).status_code == 429
    for attempt in LoginAttempt.objects.all():
        LoginAttempt.objects.filter(pk=attempt.pk).update(at=attempt.at - WINDOW)

    assert type_in("artist", "artist").status_code == 302


def test_the_wait_is_told_to_the_second(artist: User) -> None:
    exhaust("artist")
    oldest = LoginAttempt.objects.order_by("at").first()
    assert oldest is not None
    LoginAttempt.objects.filter(pk=oldest.pk).update(at=oldest.at - WINDOW + timedelta(seconds=60))

    assert 55 <= int(type_in("artist", GUESS)["Retry-After"]) <= 60


def test_one_address_cannot_try_many_names(artist: User) -> None:
    for number in range(MOST_OF_AN_ADDRESS):
        type_in(f"name {number}", GUESS, REMOTE_ADDR="192.0.2.9")

    assert type_in("artist", "artist", REMOTE_ADDR="192.0.2.9").status_code == 429
    assert type_in("artist", "artist", REMOTE_ADDR="192.0.2.8").status_code == 302


def test_a_refusal_is_one_line_of_the_log_without_the_password(
    artist: User, caplog: pytest.LogCaptureFixture
) -> None:
    exhaust("artist", REMOTE_ADDR="192.0.2.9")
    with caplog.at_level(logging.WARNING, "studio"):
        type_in("artist", "secret\ntoo", REMOTE_ADDR="192.0.2.9")

    (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("studio")]
    assert "'artist' from 192.0.2.9" in line
    assert "secret" not in line


def test_behind_the_proxy_the_address_is_the_one_that_the_proxy_saw(
    artist: User, settings: Any
) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    type_in("artist", GUESS, HTTP_X_FORWARDED_FOR="203.0.113.1, 192.0.2.9")

    assert LoginAttempt.objects.get().address == "192.0.2.9"


def test_without_a_proxy_nobody_chooses_their_address(artist: User) -> None:
    type_in("artist", GUESS, HTTP_X_FORWARDED_FOR="203.0.113.1")

    assert LoginAttempt.objects.get().address == "127.0.0.1"


@pytest.mark.django_db(transaction=True)
def test_guesses_at_the_same_moment_are_all_counted() -> None:
    allowed: list[int] = []

    def guess(number: int) -> None:
        if not login_throttle.begin("artist", "192.0.2.9"):
            allowed.append(number)
        connection.close()

    threads = [threading.Thread(target=guess, args=[number]) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(allowed) <= MOST_OF_BOTH
