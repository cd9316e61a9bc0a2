"""One site and one Chromium for all browser tests. Each test has its own people."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.people import Person, log_in
from tests.browser.site import LAN_HOST, Site

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A name that is not the own machine: without https such a page lacks what browsers guard.
    f"--host-resolver-rules=MAP {LAN_HOST} 127.0.0.1",
]

Visit = Callable[..., Person]

# Longer than Playwright's five seconds, because a render and three servers share the cores.
expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium. Without it the tests fail, or are skipped with GENGA_SKIP_BROWSER=1."""
    if not Path(CHROMIUM).exists():
        if os.environ.get("GENGA_SKIP_BROWSER") == "1":
            pytest.skip("no Chromium here, and GENGA_SKIP_BROWSER=1")
        pytest.fail(
            f"{CHROMIUM} is not there: apt-get install chromium, "
            "or skip these tests with GENGA_SKIP_BROWSER=1"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The site, started with `manage.py up`. Chromium must exist first."""
    home = tmp_path_factory.mktemp("site")
    site = Site(home)
    try:
        site.start()
        yield site
    finally:
        site.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def _logged_in(chromium: Browser, site: Site) -> Callable[[str], Any]:
    """The session of a logged-in person, made once and shared by the tests."""
    known: dict[str, Any] = {}

    def session_of(name: str) -> Any:
        if name not in known:
            person = Person(chromium, site.address)
            log_in(person.page, name)
            known[name] = person.context.storage_state()
            person.context.close()
        return known[name]

    return session_of


@pytest.fixture
def visit(chromium: Browser, site: Site, _logged_in: Callable[[str], Any]) -> Iterator[Visit]:
    """A person with a browser: `visit("artist")`, or `visit()` for an anonymous one.

    At the test's end nothing may be left that a page has reported as an error.
    """
    people: list[Person] = []

    def come(name: str | None = None, address: str = site.address, **options: Any) -> Person:
        state = _logged_in(name) if name else None
        people.append(Person(chromium, address, state, **options))
        return people[-1]

    yield come
    for person in people:
        person.context.close()
    assert [person.problems for person in people] == [[] for _ in people]


@pytest.fixture
def long_render(site: Site) -> Iterator[str]:
    """The job's id of a running final of 150 steps, which is cancelled after the test."""
    job_id = site.render(quality="final", steps=150, width=256, height=256, shot="sh030")
    yield job_id
    site.cancel(job_id)
