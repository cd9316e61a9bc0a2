"""A browser tells the end of the person's own renders, when it is asked to and nobody looks."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.site import Site, wait_until

pytestmark = pytest.mark.browser

# What the browser shows and plays outside of the page.
LISTEN = """
window.shown = [];
window.played = 0;
window.Notification = class extends Notification {
  constructor(title, options) { super(title, options); window.shown.push(options.body); }
};
window.AudioContext = class extends AudioContext {
  resume() { window.played += 1; return super.resume(); }
};
"""
BEHIND = "Object.defineProperty(document, 'hidden', { configurable: true, get: () => %s })"


def test_a_render_is_told_once_it_was_asked_for_and_only_in_the_background(
    visit: Visit, site: Site
) -> None:
    person = visit("artist")
    person.context.grant_permissions(["notifications"])
    page = person.page
    page.add_init_script(LISTEN)
    page.goto("/gallery/")
    site.finished()
    page.wait_for_timeout(1000)
    assert page.evaluate("[shown, played]") == [[], 0], "nobody has asked for it"

    page.locator(".person summary").click()
    for name in ("Notifications", "Sound"):
        page.get_by_role("switch", name=name).click()
        expect(page.get_by_role("switch", name=name)).to_be_checked()
    page.goto("/reviews/")
    site.finished()
    wait_until(lambda: page.evaluate("played") == 1, "the end was heard")
    assert page.evaluate("shown") == [], "the person is looking"

    page.evaluate(BEHIND % "true")
    site.finished()
    wait_until(lambda: page.evaluate("shown.length") == 1, "a notification was shown")
    assert page.evaluate("played") == 2
    assert "is rendered." in page.evaluate("shown[0]")
