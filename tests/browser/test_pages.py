"""Every page: no errors, fits a phone, works by keyboard, and escapes typed text."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.people import FOCUS, PHONE, expect_live
from tests.browser.site import PROJECT, Site

pytestmark = pytest.mark.browser

FIXED = [
    "/",
    "/projects/",
    "/render/",
    "/reviews/",
    "/gallery/",
    "/tokens/",
    "/api/docs",
    "/nowhere/",
]
ADMIN = [
    "/admin/",
    "/admin/studio/style/",
    "/admin/studio/character/add/",
    "/admin/generation/job/",
]
MOST_STOPS = 60
"""Most presses of the Tab key on one page; further elements are of the same kinds."""

HOSTILE = "<img src=x onerror=alert(1)>"
LONG = "1girl, " + "w" * 300


@pytest.fixture(scope="session")
def addresses(site: Site) -> list[str]:
    """Every kind of page; those of a render show one with a long prompt."""
    job_id = site.finished(prompt=LONG, shot="sh120")
    output = site.job(job_id)["outputs"][0]
    assert output["kind"] == "image"
    shot = f"/projects/{PROJECT}/sh120/"
    return [*FIXED, f"/projects/{PROJECT}/", shot, f"/jobs/{job_id}/", f"{shot}#take"]


def visit_all(page: Page, addresses: list[str]) -> Any:
    """Visit each page and wait until it has settled. The take's page is opened from its shot's."""
    for address in addresses:
        path, _, take = address.partition("#")
        page.goto(path)
        if take:
            page.locator(".card-head a").first.click()
            expect(page.get_by_role("heading", level=1)).to_contain_text("Take")
        if page.locator("[data-line]").count():
            expect_live(page)
        yield page.url


def test_no_page_reports_an_error(visit: Visit, addresses: list[str]) -> None:
    person = visit("artist")
    for address in visit_all(person.page, addresses):
        if address.endswith("/nowhere/"):
            person.forgive(["404"])
        assert person.problems == [], address


def test_no_page_of_the_admin_site_reports_an_error(visit: Visit, addresses: list[str]) -> None:
    person = visit("admin")
    for address in ADMIN:
        person.page.goto(address)
        expect(person.page.locator("#site-name")).to_be_visible()
        assert person.problems == [], address


def test_no_page_is_wider_than_a_phone(visit: Visit, addresses: list[str]) -> None:
    person = visit("artist", **PHONE)
    for address in visit_all(person.page, [page for page in addresses if "docs" not in page]):
        widths = person.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert widths == [390, 390], address
    person.forgive(["404"])
    stranger = visit(**PHONE).page
    stranger.goto("/login/")
    assert stranger.evaluate("document.documentElement.scrollWidth") == 390


def test_a_render_on_a_phone_fits_while_it_runs(visit: Visit, long_render: str) -> None:
    page = visit("artist", **PHONE).page
    for address in ("/", f"/jobs/{long_render}/", f"/projects/{PROJECT}/sh030/"):
        page.goto(address)
        expect_live(page)
        expect(page.locator("img.preview").first).to_be_visible(timeout=30_000)
        assert page.evaluate("document.documentElement.scrollWidth") == 390, address


def test_the_focus_is_always_visible(visit: Visit, addresses: list[str]) -> None:
    person = visit("artist")
    for address in visit_all(person.page, [page for page in addresses if "docs" not in page]):
        for _ in range(MOST_STOPS):
            person.page.keyboard.press("Tab")
            stop = person.page.evaluate(FOCUS)
            if stop["isBody"]:
                break
            assert stop["outlined"], f"{stop['name']} on {address}"
            assert stop["onScreen"], f"{stop['name']} on {address}"
    person.forgive(["404"])


def test_the_skip_link_leads_past_the_bar(visit: Visit) -> None:
    page = visit("artist").page
    page.goto("/projects/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Harbour Lights")).to_be_focused()


def test_a_question_mark_opens_the_shortcuts_and_keys_do_not_reach_the_page_behind(
    visit: Visit,
) -> None:
    page = visit("artist").page
    page.goto("/projects/")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    for key in ("n", "g d", "g g", "g r", "g p"):
        expect(dialog.locator("kbd").get_by_text(key, exact=True)).to_be_visible()
    page.keyboard.press("n")
    assert page.url.endswith("/projects/")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()

    page.keyboard.press("n")
    page.wait_for_url("**/render/")
    expect(page.get_by_label("Prompt", exact=True)).to_be_focused()
    page.keyboard.type("?n")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("?n")
    expect(dialog).to_be_hidden()


def test_html_in_a_prompt_is_escaped_everywhere(visit: Visit) -> None:
    person = visit("artist")
    page = person.page
    page.goto(f"/render/?shot={PROJECT}/sh130")
    page.get_by_label("Prompt", exact=True).fill(HOSTILE)
    expect(page.locator("#expectation")).to_contain_text("10 steps")
    page.get_by_text("More settings").click()
    page.get_by_label("Steps").fill("2")
    page.locator("aside").get_by_role("button", name="Render").click()
    page.wait_for_url("**/jobs/*/")
    expect(page.locator(".big .stage")).to_have_text("Done", timeout=60_000)
    expect(page.locator(".facts .prompt")).to_have_text(HOSTILE)

    for address in (
        page.url,
        "/",
        f"/projects/{PROJECT}/",
        f"/projects/{PROJECT}/sh130/",
        "/gallery/",
    ):
        page.goto(address)
        assert page.locator("img[onerror], img[src=x]").count() == 0, address
    page.goto(f"/gallery/?words={HOSTILE}")
    expect(page.locator(".card .clamp").first).to_have_text(HOSTILE)
    assert person.problems == []


def test_two_long_japanese_prompts_still_have_an_estimate(visit: Visit) -> None:
    # In a query string they would have 36 kB, more than twice what a web server accepts.
    page = visit("artist").page
    page.goto("/render/")
    page.get_by_label("Prompt", exact=True).fill("港" * 2000)
    page.get_by_text("More settings").click()
    page.get_by_label("Negative prompt").fill("灯" * 2000)
    expect(page.locator("#expectation")).to_contain_text("256×256, 10 steps, Toon")


def test_the_gallery_searches_while_typing(visit: Visit, addresses: list[str]) -> None:
    page = visit("artist").page
    page.goto("/gallery/")
    words = page.get_by_label("Prompt")
    words.press_sequentially("no picture has these words")
    expect(page.get_by_text("No take matches these filters.")).to_be_visible()
    expect(words).to_be_focused()
    assert "words=no%20picture" in page.url, "the address can be sent to a colleague"
    page.get_by_role("link", name="Show all").click()
    expect(page.locator("article").first).to_be_visible()
