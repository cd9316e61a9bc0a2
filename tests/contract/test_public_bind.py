"""A site that others can reach: nobody knows its passwords, and the printed addresses answer."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.contract.real import ROOT, Genga, free_port

PUBLIC = {"GENGA_BIND": "0.0.0.0"}
NAMES = ["artist", "reviewer", "admin"]


def manage(home: Path, *command: str, **given: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a data folder, bound to loopback unless `given` says otherwise."""
    own = {name: text for name, text in os.environ.items() if name != "GENGA_ALLOWED_HOSTS"}
    return subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env={**own, "GENGA_HOME": str(home), "PORT": str(free_port()), **given},
        capture_output=True,
        text=True,
        timeout=120,
    )


def printed_passwords(said: str) -> dict[str, str]:
    return dict(re.findall(r"^  (artist|reviewer|admin): (\S+)$", said, re.MULTILINE))


def logs_in(address: str, name: str, password: str) -> bool:
    with httpx.Client(base_url=address, timeout=30) as client:
        client.get("/login/")
        typed = {"username": name, "password": password}
        token = {"csrfmiddlewaretoken": client.cookies["genga_csrf"]}
        return client.post("/login/", data={**typed, **token}).status_code == 302


def test_up_on_a_public_address_draws_passwords_and_prints_addresses_that_answer(
    tmp_path: Path,
) -> None:
    with Genga(tmp_path, **PUBLIC) as genga:
        said = genga.said()
        addresses = re.findall(r"^(?:Genga is ready: )?(http://\S+)$", said, re.MULTILINE)
        passwords = printed_passwords(said)

        assert addresses
        for address in addresses:
            assert httpx.get(f"{address}/healthz", timeout=30).text == "ok", address
        assert list(passwords) == NAMES
        assert not logs_in(addresses[0], "artist", "artist")
        assert logs_in(addresses[-1], "artist", passwords["artist"])
        assert "the passwords are the same as the names" not in said


def test_an_address_that_the_operator_did_not_allow_is_printed_with_what_to_set(
    tmp_path: Path,
) -> None:
    with Genga(tmp_path, **PUBLIC, GENGA_ALLOWED_HOSTS="genga.example") as genga:
        said = genga.said()

        assert "is refused: add 127.0.0.1 to GENGA_ALLOWED_HOSTS" in said
        answer = httpx.get(f"{genga.address}/login/", timeout=30)
        assert answer.status_code == 400


def test_published_passwords_of_loopback_are_refused_on_a_public_address(tmp_path: Path) -> None:
    manage(tmp_path, "migrate")
    loaded = manage(tmp_path, "load_demo")
    assert "not delivered" not in loaded.stderr, "what it changed is told before it ends"

    refused = manage(tmp_path, "up", **PUBLIC)
    assert refused.returncode == 1
    assert "artist, reviewer, admin still have the demo's published passwords" in refused.stderr
    assert "manage.py load_demo --new-passwords" in refused.stderr

    renewed = manage(tmp_path, "load_demo", "--new-passwords", **PUBLIC)
    assert list(printed_passwords(renewed.stdout)) == NAMES
    again = manage(tmp_path, "load_demo", "--new-passwords", **PUBLIC)
    assert printed_passwords(again.stdout) == {}, "they are printed only once"
    assert manage(tmp_path, "load_demo", **PUBLIC).returncode == 0


@pytest.mark.parametrize("bind", ["127.0.0.1", "localhost"])
def test_on_loopback_the_published_passwords_stay(bind: str, tmp_path: Path) -> None:
    manage(tmp_path, "migrate")

    loaded = manage(tmp_path, "load_demo", GENGA_BIND=bind)

    assert loaded.returncode == 0, loaded.stderr
    assert printed_passwords(loaded.stdout) == {}
