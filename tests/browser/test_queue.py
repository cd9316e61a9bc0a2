"""The dashboard's queue: selection by pointer and keys, bulk changes, and live updates meanwhile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.people import PHONE, SLOW, expect_live
from tests.browser.site import Site, wait_until

pytestmark = pytest.mark.browser


@pytest.fixture
def queue(site: Site, long_render: str) -> Iterator[list[str]]:
    """Four drafts of the artist, which wait behind a long render."""
    jobs = [site.render() for _ in range(4)]
    yield jobs
    site.api("jobs/cancel", {"job_ids": jobs})


@pytest.fixture
def page(visit: Visit, queue: list[str]) -> Page:
    """The artist's dashboard with the queue."""
    page = visit("artist").page
    page.goto("/")
    expect_live(page)
    expect(page.locator("#waiting [data-pick]")).to_have_count(4)
    return page


def row(page: Page, job_id: str) -> Locator:
    return page.locator(f'[data-job="{job_id}"]')


def push(site: Site, page: Page) -> None:
    """Cause a push of the list, which replaces its rows by new elements."""
    page.evaluate("document.querySelector('#waiting').dataset.old = 'yes'")
    site.api(f"jobs/{site.render()}/cancel", {})
    expect(page.locator("#waiting[data-old]")).to_have_count(0, timeout=SLOW)


def test_selection_and_focus_survive_a_push_and_keys_change_what_is_selected(
    page: Page, site: Site, queue: list[str]
) -> None:
    first, second, third, _ = queue
    page.keyboard.press("j")
    expect(row(page, first)).to_be_focused()
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("x")
    expect(row(page, second)).to_be_focused()
    expect(page.locator("[data-count]")).to_have_text("2 selected")

    push(site, page)
    expect(row(page, second)).to_be_focused()
    expect(row(page, first).locator("[data-pick]")).to_be_checked()
    expect(row(page, second).locator("[data-pick]")).to_be_checked()
    expect(row(page, third).locator("[data-pick]")).not_to_be_checked()

    page.keyboard.press("h")
    expect(page.locator("#said [data-code=jobs_held]")).to_contain_text("2 jobs")
    expect(page.locator("ol.held [data-job]")).to_have_count(2, timeout=SLOW)
    assert [site.job(job)["held"] for job in queue] == [True, True, False, False]
    expect(page.locator("[data-bar] [data-do=hold]")).to_have_text("Release")
    page.keyboard.press("h")
    expect(page.locator("#said [data-code=jobs_released]")).to_contain_text("2 jobs")
    expect(page.locator("ol.held")).to_have_count(0, timeout=SLOW)

    page.keyboard.press("1")
    expect(page.locator("#said [data-code=jobs_moved]")).to_contain_text("2 jobs")
    assert [site.job(job)["priority"] for job in queue] == ["urgent", "urgent", "normal", "normal"]


def test_without_a_selection_keys_change_the_row_with_the_focus(
    page: Page, site: Site, queue: list[str]
) -> None:
    page.keyboard.press("c")
    expect(page.locator("#said [data-code=jobs_not_chosen]")).to_be_visible()
    page.keyboard.press("k")
    expect(row(page, queue[3])).to_be_focused()

    page.keyboard.press("f")
    expect(row(page, queue[3]).locator(".place")).to_contain_text("1", timeout=SLOW)
    expect(row(page, queue[3])).to_be_focused()

    page.keyboard.press("c")
    expect(row(page, queue[3])).to_have_count(0, timeout=SLOW)
    expect(page.locator("#said [data-code=jobs_cancelled]")).to_contain_text("1 job")
    expect(row(page, queue[0])).to_be_focused()


def test_all_of_mine_are_cancelled_at_once(page: Page, site: Site, queue: list[str]) -> None:
    page.keyboard.press("Shift+X")
    expect(page.locator("[data-count]")).to_have_text("4 selected")
    page.keyboard.press("Shift+X")
    expect(page.locator("[data-bar]")).to_be_hidden()
    page.get_by_role("button", name="Select all of mine").click()
    page.locator("[data-bar]").get_by_role("button", name="Cancel").click()

    expect(page.locator("#said [data-code=jobs_cancelled]")).to_contain_text("4 jobs")
    expect(page.locator("#waiting")).to_contain_text("Nothing waits", timeout=SLOW)
    expect(page.locator("[data-bar]")).to_be_hidden()
    assert {site.job(job)["status"] for job in queue} == {"cancelled"}


def test_a_row_has_its_own_buttons(page: Page, site: Site, queue: list[str]) -> None:
    mine = row(page, queue[1])
    mine.hover()
    mine.get_by_role("button", name="To the front").click()
    expect(mine.locator(".place")).to_contain_text("1", timeout=SLOW)
    mine.hover()
    mine.get_by_role("button", name="Hold").click()
    expect(page.locator("ol.held [data-job]")).to_have_count(1, timeout=SLOW)
    mine.hover()
    expect(mine.get_by_role("button", name="Release")).to_be_visible()


def test_others_see_the_queue_without_controls(visit: Visit, site: Site, queue: list[str]) -> None:
    page = visit("reviewer").page
    page.goto("/")
    expect_live(page)
    expect(page.locator("#waiting [data-job]")).to_have_count(4)
    push(site, page)
    assert page.locator("#waiting [data-pick], #waiting button").count() == 0
    expect(page.get_by_role("button", name="Select all of mine")).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.locator("[data-bar]")).to_be_hidden()
    page.keyboard.press("c")
    expect(page.locator("#said [data-code=not_your_job]")).to_be_visible()
    assert site.job(queue[0])["status"] == "queued"


def test_on_a_phone_the_bar_and_the_rows_fit(visit: Visit, site: Site, queue: list[str]) -> None:
    page = visit("artist", **PHONE).page
    page.goto("/")
    expect_live(page)
    page.locator("[data-pick]").first.check()
    page.get_by_text("Priority", exact=True).click()
    page.get_by_role("button", name="High").click()
    expect(page.locator("#said [data-code=jobs_moved]")).to_contain_text("1 job")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    # All at once, because the next push replaces the rows.
    sides = page.locator("#waiting .starts").evaluate_all(
        "rows => rows.map(row => row.getBoundingClientRect()).map(box => [box.left, box.right])"
    )
    assert sides
    assert all(left >= 0 and right <= 390 for left, right in sides)


def test_the_times_of_waiting_jobs_follow_the_render(page: Page, queue: list[str]) -> None:
    page.evaluate("document.querySelector('#waiting').dataset.old = 'yes'")

    expect(page.locator("#waiting[data-old]")).to_have_count(0, timeout=SLOW)


def test_a_lead_pauses_the_device(
    visit: Visit, site: Site, queue: list[str], long_render: str
) -> None:
    page = visit("admin").page
    page.goto("/")
    expect_live(page)
    device = page.locator(".device", has_text="cpu:0")
    expect(device).to_contain_text("Aiko Artist")
    device.get_by_role("button", name="Hand back now and stop").click()
    expect(page.locator(".messages [data-code=device_stops_now]")).to_be_visible()
    try:
        wait_until(lambda: site.job(long_render)["status"] == "queued", "it was handed back")
        expect(device.get_by_role("button", name="Take work again")).to_be_visible(timeout=SLOW)
        expect(device).to_contain_text("Takes no new work until a lead resumes it.")
    finally:
        device.get_by_role("button", name="Take work again").click()
    wait_until(lambda: site.job(long_render)["status"] == "processing", "it goes on")
    assert site.job(long_render)["attempts"][-1]["number"] == 2
