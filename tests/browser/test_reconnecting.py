"""The web server is killed and restarted: the page shows it and catches up automatically."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.people import SLOW, Person, expect_live, step
from tests.browser.site import SecondWebProcess, Site, wait_until

pytestmark = pytest.mark.browser

# Messages of Chromium and htmx about a missing server; htmx logs only an event for a socket.
CAUSED_BY_THE_KILL = ["WebSocket", r"\[object Event\]", "net::ERR_", "htmx:sendError"]


@pytest.fixture
def web(site: Site) -> Iterator[SecondWebProcess]:
    """A web server that may be killed. Database, live events and worker are the site's."""
    web = SecondWebProcess(site)
    try:
        web.start()
        yield web
    finally:
        web.kill()


@pytest.fixture
def watcher(visit: Visit, web: SecondWebProcess, long_render: str) -> Person:
    """The artist, who watches a long render through that server."""
    person = visit("artist", web.address)
    person.page.goto(f"/jobs/{long_render}/")
    expect_live(person.page)
    expect(person.page.locator(".big .stage")).to_contain_text("of 150", timeout=SLOW)
    # Wait for a preview, which could be lost.
    expect(person.page.locator("figure.mat img.preview")).to_be_visible(timeout=SLOW)
    return person


def test_a_page_recovers_from_the_death_of_its_web_server(
    watcher: Person, web: SecondWebProcess
) -> None:
    page = watcher.page
    before = step(page)
    web.kill()
    line = page.locator("[data-line]")
    expect(line).to_have_text("Reconnecting")
    expect(page.locator("figure.mat img.preview")).to_be_visible()

    web.start()
    expect(line).to_have_text("Live", timeout=SLOW)
    wait_until(lambda: step(page) > before, "the bar goes on")
    watcher.expect_problems(CAUSED_BY_THE_KILL)


def test_changes_during_the_outage_are_shown_afterwards(
    watcher: Person, web: SecondWebProcess, site: Site, long_render: str
) -> None:
    page = watcher.page
    web.kill()
    expect(page.locator("[data-line]")).to_have_text("Reconnecting")
    site.cancel(long_render)

    web.start()
    expect(page.locator(".big .stage")).to_have_text("Cancelled", timeout=SLOW)
    expect(page.locator("[data-line]")).to_have_text("Live")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    watcher.expect_problems(CAUSED_BY_THE_KILL)
