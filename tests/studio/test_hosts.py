"""The hosts that a site answers to."""

from __future__ import annotations

import pytest

from studio import environment
from studio.hosts import hosts_of


@pytest.mark.parametrize("bind", ["192.0.2.1", "::2", "0.0.0.0"])
def test_the_site_answers_to_the_address_that_it_listens_on(
    bind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The tests' own environment names hosts for the test client.
    monkeypatch.delenv("GENGA_ALLOWED_HOSTS", raising=False)
    monkeypatch.setenv("GENGA_SECRET_KEY", "k" * 60)
    monkeypatch.setenv("GENGA_BIND", bind)

    assert set(hosts_of(bind)) <= set(environment.read().allowed_hosts)
