"""Buttons are locked while their request is under way."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Visit
from tests.browser.people import SLOW, expect_live
from tests.browser.site import PROJECT, Site

pytestmark = pytest.mark.browser

# While a navigation waits, Playwright cannot look into the page. The page notes what it sees, and
# tries to send the form again.
NOTE = """() => {
  const form = document.querySelector("form.render-form");
  form.addEventListener("submit", () => setTimeout(() => {
    sessionStorage.locked = form.querySelector("aside button").matches("[aria-busy=true]:disabled");
    form.requestSubmit();
  }, 100));
}"""
LATE_SECONDS = 1.0


def test_two_clicks_on_a_late_answer_are_one_and_the_page_can_be_used_again(visit: Visit) -> None:
    page = visit("artist").page
    sent: list[str] = []

    def answer_late(route: Route) -> None:
        if route.request.method == "POST":
            sent.append(route.request.url)
            time.sleep(LATE_SECONDS)
        route.continue_()

    page.goto(f"/render/?shot={PROJECT}/sh050")
    page.get_by_label("Prompt", exact=True).fill("two clicks")
    expect(page.locator("#expectation")).to_contain_text("steps")
    page.route(lambda address: "/render/?" in address, answer_late)
    page.evaluate(NOTE)
    button = page.locator("aside").get_by_role("button", name="Render")
    button.dblclick(no_wait_after=True)
    page.wait_for_url("**/jobs/*/")
    assert page.evaluate("sessionStorage.locked") == "true"
    assert len(sent) == 1

    page.go_back()
    expect(button).to_be_enabled()


def test_no_part_of_a_page_is_asked_for_while_its_form_is_sent(visit: Visit) -> None:
    """The answer would load the page a second time when it is refused, as after a new login."""
    page = visit("artist").page
    posted: list[str] = []

    def answer_late(route: Route) -> None:
        if route.request.method == "POST":
            time.sleep(LATE_SECONDS)
        route.continue_()

    page.goto(f"/render/?shot={PROJECT}/sh050")
    with page.expect_response("**/render/estimate/"):
        page.get_by_label("Prompt", exact=True).fill("the click leaves the field")
    expect(page.locator("#expectation")).to_contain_text("steps")
    page.route(lambda address: "/render/?" in address, answer_late)
    page.on("request", lambda one: posted.append(one.url) if one.method == "POST" else None)
    page.locator("aside").get_by_role("button", name="Render").click(no_wait_after=True)
    page.wait_for_url("**/jobs/*/")

    assert "/render/?" in posted[-1], "the form is the last that is sent"


def test_a_live_button_is_locked_until_the_error_arrives(
    visit: Visit, site: Site, long_render: str
) -> None:
    job = site.render()
    person = visit("artist")
    page = person.page
    late: list[Route] = []
    page.goto("/")
    expect_live(page)
    page.route("**/queue/act/", lambda route: late.append(route))
    row = page.locator(f'[data-job="{job}"]')
    row.hover()
    hold = row.get_by_role("button", name="Hold")
    hold.click()
    expect(hold).to_be_disabled(timeout=SLOW)
    late[0].abort()
    expect(hold).to_be_enabled()
    expect(page.locator("#trouble [data-code=no_answer]")).to_be_visible()
    person.forgive(["net::ERR_", "htmx:sendError"])
    site.cancel(job)
