"""From the login to the picture, by keyboard only, with live updates."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.people import PHONE, SLOW, WATCH, expect_live, log_in, step, tab_to
from tests.browser.site import Site, wait_until

pytestmark = pytest.mark.browser

PROMPT = "1girl, twin tails pink hair, blue eyes, smiling, sunset background"


def test_the_first_render_after_the_start_succeeds(site: Site) -> None:
    assert site.first_render == "completed", site.said


def test_an_artist_renders_a_draft_by_keyboard_and_sees_its_progress(visit: Visit) -> None:
    phone = visit("reviewer", **PHONE).page
    page = visit().page
    log_in(page, "artist")
    page.keyboard.press("n")
    expect(page.get_by_label("Prompt", exact=True)).to_be_focused()
    page.keyboard.type(PROMPT)
    expect(page.locator("#expectation")).to_contain_text("256×256, 10 steps, Toon")
    tab_to(page, page.get_by_label("Shot"))
    page.keyboard.type("Off the ferry")
    tab_to(page, page.get_by_role("button", name="Render"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/jobs/*/")
    page.evaluate(WATCH)
    phone.goto(page.url)
    phone.evaluate(WATCH)
    expect(page.locator(".big .stage")).to_have_text("Done", timeout=SLOW)
    expect(page.locator("figure.mat img")).to_have_js_property("complete", True)
    expect(phone.get_by_role("link", name="Open the take")).to_be_visible()

    seen = page.evaluate("window.seen")
    values = [look["value"] for look in seen]
    assert values == sorted(values), "the bar never goes back"
    assert len(set(values)) >= 4, "and it moves in steps one can see"
    assert values[-1] == 100
    pictures = [look["picture"] for look in seen]
    assert "preview" in pictures
    assert pictures[-1] == "final"
    for looks in (seen, phone.evaluate("window.seen")):
        assert len({tuple(look["box"]) for look in looks}) == 1, "nothing jumps when it lands"
    find_the_take(page)


def find_the_take(page: Page) -> None:
    """Follow the take to its shot and project, and expect the picture."""
    page.get_by_role("link", name="Open the take").click()
    heading = page.get_by_role("heading", level=1)
    take = heading.inner_text()
    assert re.fullmatch(r"Take \d+", take)
    page.get_by_role("link", name="Off the ferry").click()
    expect(heading).to_have_text("Off the ferry")
    card = page.locator("article", has=page.get_by_role("link", name=take, exact=True))
    expect(card.get_by_role("img", name=PROMPT)).to_have_js_property("naturalWidth", 256)
    page.get_by_role("link", name="Harbour Lights").click()
    board = page.locator("article", has=page.get_by_role("link", name="Off the ferry"))
    expect(board.get_by_role("img", name=PROMPT)).to_have_js_property("naturalWidth", 256)


def test_a_long_final_is_cancelled_by_a_key_while_it_runs(visit: Visit) -> None:
    page = visit("artist").page
    page.goto("/render/?shot=harbour-lights/sh040")
    page.get_by_text("Final", exact=True).click()
    page.get_by_text("More settings").click()
    page.get_by_label("Steps").fill("150")
    expect(page.locator("#expectation")).to_contain_text("150 steps")
    page.locator("aside").get_by_role("button", name="Render").click()
    expect(page.locator(".big .stage")).to_contain_text("of 150", timeout=SLOW)
    expect(page.get_by_role("button", name="Cancel")).to_be_visible()
    page.keyboard.press("c")

    expect(page.locator(".state.cancelled")).to_contain_text("Cancelled", timeout=SLOW)
    expect(page.locator(".big .stage")).to_have_text("Cancelled")
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)


def test_two_people_and_a_reload_see_the_same_live_state(visit: Visit, long_render: str) -> None:
    artist, reviewer = visit("artist").page, visit("reviewer").page
    for page in (artist, reviewer):
        page.goto(f"/jobs/{long_render}/")
        expect_live(page)
        expect(page.locator(".big .stage")).to_contain_text("of 150", timeout=SLOW)
    wait_until(lambda: step(artist) > 1 and step(reviewer) > 1, "both see it move")
    assert abs(step(artist) - step(reviewer)) <= 5
    expect(reviewer.get_by_role("button", name="Cancel")).to_have_count(0)

    before = step(artist)
    artist.reload()
    assert step(artist) >= before, "the page is painted with what it showed before"
    expect(artist.locator("figure.mat img.preview")).to_be_visible()
    after = step(artist)
    wait_until(lambda: step(artist) > after, "it goes on moving after the reload")


def test_the_dashboard_shows_the_device_at_work_and_the_queue(
    visit: Visit, site: Site, long_render: str
) -> None:
    page = visit("reviewer").page
    page.goto("/")
    expect_live(page)
    device = page.locator(".device", has_text="cpu:0")
    expect(device).to_contain_text("Aiko Artist")
    expect(device.locator("img.preview")).to_be_visible(timeout=SLOW)
    expect(page.locator("ol.queue")).to_have_count(0)

    waiting = site.render()
    row = page.locator("ol.queue li")
    expect(row).to_have_count(1, timeout=SLOW)
    expect(row).to_contain_text("Draft image, 128×128")
    expect(row.locator(".place")).to_contain_text("1")

    site.cancel(long_render)
    expect(page.locator("ol.queue li")).to_have_count(0, timeout=SLOW)
    site.ended(waiting)
    expect(page.locator(f"#finished-{waiting} img")).to_be_visible(timeout=SLOW)
    expect(device).to_contain_text("Idle", timeout=SLOW)
