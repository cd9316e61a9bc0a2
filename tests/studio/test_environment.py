"""Settings from the environment: typed, and loud about a bad value."""

from __future__ import annotations

import os
import stat
import traceback
from pathlib import Path

import pytest
from django.conf import settings
from pydantic import SecretStr

from generation.errors import SettingError
from studio import environment

BAD = [
    ("GENGA_PROFILE", "staging", "embedded or production"),
    ("PORT", "http", "a whole number from 1 to 65535"),
    ("PORT", "0", "a whole number from 1 to 65535"),
    ("PORT", "70000", "a whole number from 1 to 65535"),
    ("PORT", "80.5", "a whole number from 1 to 65535"),
    ("PORT", "", "a whole number from 1 to 65535"),
    ("GENGA_HEARTBEAT_SECONDS", "often", "a number from 0.1 to 60"),
    ("GENGA_HEARTBEAT_SECONDS", "0", "a number from 0.1 to 60"),
    ("GENGA_HEARTBEAT_SECONDS", "nan", "a number from 0.1 to 60"),
    ("GENGA_LEASE_SECONDS", "inf", "a number from 1 to 3600"),
    ("GENGA_LEASE_SECONDS", "-1", "a number from 1 to 3600"),
    ("GENGA_SUBMIT_RATE", "many", "a number and /s, /min, /h, /d"),
    ("GENGA_SUBMIT_RATE", "0/min", "a number and /s, /min, /h, /d"),
    ("GENGA_SUBMIT_RATE", "5/year", "a number and /s, /min, /h, /d"),
    ("GENGA_SUBMIT_RATE", "²/min", "a number and /s, /min, /h, /d"),
    ("GENGA_DEBUG", "perhaps", "1 or 0"),
    *[
        (
            "GENGA_CORS_ORIGINS",
            origin,
            "origins such as https://tools.example, in small letters and without a path",
        )
        for origin in (
            "*",
            "null",
            "tools.example",
            "https://tools.example/",
            "ftp://tools.example",
            "https://me:pw@tools.example",
            "HTTPS://tools.example",
            "https://*.example",
        )
    ],
]
BAD_ADDRESSES = [
    ("GENGA_DATABASE_URL", "nonsense", "postgres://…, postgresql://…, sqlite://…"),
    (
        "GENGA_DATABASE_URL",
        "mysql://ann:secret@host/genga",
        "postgres://…, postgresql://…, sqlite://…",
    ),
    (
        "GENGA_DATABASE_URL",
        "postgres://ann:sec/ret@host/genga",
        "postgres://…, postgresql://…, sqlite://…",
    ),
    ("GENGA_REDIS_URL", "localhost:6379", "redis://…, rediss://…, unix://…"),
    ("GENGA_S3_ENDPOINT", "s3.example", "https://…, http://…"),
]


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No setting of whoever runs the tests, and a data folder that is not there yet."""
    for name in environment.NAMES:
        monkeypatch.delenv(name, raising=False)
    home = tmp_path / "data"
    monkeypatch.setenv("GENGA_HOME", str(home))
    return home


@pytest.fixture
def production(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A production profile with all that it needs."""
    monkeypatch.setenv("GENGA_PROFILE", "production")
    monkeypatch.setenv("GENGA_SECRET_KEY", "k" * 60)
    monkeypatch.setenv("GENGA_ALLOWED_HOSTS", "genga.example,www.genga.example")
    return monkeypatch


@pytest.mark.parametrize(("name", "value", "allowed"), BAD)
def test_a_bad_value_is_told_with_its_name_and_what_is_allowed(
    name: str, value: str, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingError) as refused:
        environment.read()

    assert str(refused.value) == f"{name} is {value!r}; allowed: {allowed}"


@pytest.mark.parametrize(("name", "value", "allowed"), BAD_ADDRESSES)
def test_a_bad_address_is_told_without_repeating_its_password(
    name: str, value: str, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingError) as refused:
        environment.read()

    assert str(refused.value) == f"{name} is no address that can be used; allowed: {allowed}"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GENGA_DATABASE_URL", "postgres://ann:secret@host/genga"),
        ("GENGA_REDIS_URL", "redis://localhost:6379/0"),
        ("GENGA_S3_ENDPOINT", "http://127.0.0.1:5000"),
    ],
)
def test_a_good_address_is_taken_as_it_is(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    found = getattr(environment.read(), name.removeprefix("GENGA_").lower())
    assert found.get_secret_value() == value


def test_a_data_folder_that_cannot_be_made_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("GENGA_HOME", str(tmp_path / "file" / "data"))

    with pytest.raises(SettingError, match=r"GENGA_HOME is .*it cannot be used: Not a directory"):
        environment.read()


def test_production_shows_nobody_djangos_error_pages(production: pytest.MonkeyPatch) -> None:
    production.setenv("GENGA_DEBUG", "1")

    with pytest.raises(SettingError, match="GENGA_DEBUG is '1'; allowed in production: 0"):
        environment.read()


@pytest.mark.parametrize("name", ["GENGA_SECRET_KEY", "GENGA_ALLOWED_HOSTS"])
def test_production_does_not_start_without(name: str, production: pytest.MonkeyPatch) -> None:
    production.delenv(name)

    with pytest.raises(SettingError, match=f"{name} is empty; production needs"):
        environment.read()


def test_without_any_setting_it_is_one_machines_own_site() -> None:
    found = environment.read()

    assert (found.profile, found.bind, found.port) == ("embedded", "127.0.0.1", 8328)
    assert found.allowed_hosts == ["localhost", "127.0.0.1", "[::1]"]
    assert not any((found.database_url, found.redis_url, found.s3_endpoint, found.s3_bucket))
    assert (found.is_embedded, found.is_open, found.debug) == (True, True, False)


def test_production_answers_to_its_own_hosts_only(production: pytest.MonkeyPatch) -> None:
    found = environment.read()

    assert found.allowed_hosts == ["genga.example", "www.genga.example"]
    assert (found.is_embedded, found.is_open) == (False, False)
    assert found.secret_key.get_secret_value() == "k" * 60


@pytest.mark.parametrize(
    ("bind", "open_"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("", False)],
)
def test_only_loopback_is_open_without_a_token(
    bind: str, open_: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENGA_BIND", bind)

    assert environment.read().is_open is open_


def test_production_is_never_open_even_on_loopback(production: pytest.MonkeyPatch) -> None:
    production.setenv("GENGA_BIND", "127.0.0.1")

    assert not environment.read().is_open


def test_the_embedded_key_is_drawn_once_and_readable_for_its_owner_only(home: Path) -> None:
    first = environment.read().secret_key

    assert len(first.get_secret_value()) >= 50
    assert environment.read().secret_key == first
    assert stat.S_IMODE(os.stat(home / "secret_key").st_mode) == 0o600


def test_another_process_that_drew_its_key_first_is_right(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The file appears between the look for it and the attempt to write it.
    home.mkdir()
    (home / "secret_key").write_text("theirs")
    monkeypatch.setattr(Path, "exists", lambda _: False)

    assert environment.read().secret_key.get_secret_value() == "theirs"


@pytest.mark.parametrize(("text", "debug"), [("1", True), ("True", True), ("0", False)])
def test_a_flag_is_one_or_zero(text: str, debug: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENGA_DEBUG", text)

    assert environment.read().debug is debug


def test_the_data_folder_may_be_written_with_a_tilde(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENGA_SECRET_KEY", "k" * 60)
    monkeypatch.setenv("GENGA_HOME", "~/genga-data")

    assert environment.read().home == Path.home() / "genga-data"


@pytest.mark.parametrize(
    "name",
    ["GENGA_SECRET_KEY", "GENGA_METRICS_TOKEN", "GENGA_DATABASE_URL", "GENGA_REDIS_URL"],
)
def test_no_secret_stands_in_what_is_printed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENGA_SECRET_KEY", "k" * 60)
    monkeypatch.setenv("GENGA_DATABASE_URL", "postgres://ann:hushhush@host/genga")
    monkeypatch.setenv("GENGA_REDIS_URL", "redis://:hushhush@host")
    if "URL" not in name:
        monkeypatch.setenv(name, "hushhush")

    found = environment.read()

    assert "hushhush" not in f"{found} {found!r}"
    assert "kkk" not in repr(found)


def test_a_refusal_carries_nothing_of_the_other_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GENGA_SECRET_KEY", "hushhush")
    monkeypatch.setenv("GENGA_DATABASE_URL", "nonsense://ann:hushhush@host/genga")
    monkeypatch.setenv("PORT", "http")

    with pytest.raises(SettingError) as refused:
        environment.read()

    told = "".join(traceback.format_exception(refused.value))
    assert "hushhush" not in told
    assert len(str(refused.value).splitlines()) == 1


def test_a_file_of_variables_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=9999\n")
    monkeypatch.chdir(tmp_path)

    assert environment.read().port == 8328


@pytest.mark.parametrize("name", ["genga_bind", "Genga_Bind"])
def test_a_variable_has_one_spelling(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "0.0.0.0")

    assert environment.read().bind == "127.0.0.1"


def test_host_names_may_have_spaces_nowhere_and_commas_anywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GENGA_ALLOWED_HOSTS", "one.example,,two.example,")

    assert environment.read().allowed_hosts == ["one.example", "two.example"]


def test_origins_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    assert environment.read().cors_origins == []
    origins = ["https://tools.example", "http://192.168.0.7:3000", "http://[::1]:3000"]
    monkeypatch.setenv("GENGA_CORS_ORIGINS", ",".join(origins))

    assert environment.read().cors_origins == origins


def test_every_setting_has_a_name_and_a_sentence() -> None:
    assert all(name == "PORT" or name.startswith("GENGA_") for name in environment.NAMES)
    assert set(environment.FIELD_OF.values()) == set(environment.Environment.model_fields)
    assert all(environment.NAMES.values())


def test_django_settings_have_the_values_of_the_environment() -> None:
    """Those that are copied are the right ones."""
    for name, field in environment.FIELD_OF.items():
        if hasattr(settings, name):
            value = getattr(settings.ENVIRONMENT, field)
            plain = value.get_secret_value() if isinstance(value, SecretStr) else value
            assert getattr(settings, name) == plain, name
