"""The site by its name in the studio's network, without https: browsers guard some features there."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.people import log_in
from tests.browser.site import LAN_HOST, Site

pytestmark = pytest.mark.browser


@pytest.fixture
def page(visit: Visit, site: Site) -> Page:
    person = visit(None, f"http://{LAN_HOST}:{site.port}")
    person.expect_problems(["Cross-Origin-Opener-Policy header has been ignored"])
    page = person.page
    log_in(page, "artist")
    assert page.evaluate("[isSecureContext, 'clipboard' in navigator]") == [False, False]
    return page


def test_a_token_can_be_copied_without_https_or_says_how(page: Page) -> None:
    page.goto("/tokens/")
    name = page.get_by_label("What is it for?")
    name.fill("nightly script")
    page.get_by_role("button", name="Make a token").click()
    secret = page.locator("#secret").inner_text()
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("[role=status][data-code=copied]")).to_be_visible()
    name.press("Control+V")
    expect(name).to_have_value(secret)

    page.evaluate("document.execCommand = () => false")
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("[role=status][data-code=not_copied]")).to_be_visible()
    assert page.evaluate("getSelection().toString()") == secret


def test_the_switch_of_notifications_says_why_they_are_missing(page: Page) -> None:
    page.locator(".person summary").click()
    switch = page.get_by_role("switch", name="Notifications")
    # Screen readers announce a status that they know already: it is in the tree while empty.
    status = page.locator(".person").get_by_role("status")
    expect(status).to_have_count(1)
    assert status.evaluate("one => one.getBoundingClientRect().height") == 0
    switch.click()
    expect(page.locator("[data-code=notifications_need_https]")).to_be_visible()
    expect(switch).not_to_be_checked()
    sound = page.get_by_role("switch", name="Sound")
    sound.click()
    expect(sound).to_be_checked()
