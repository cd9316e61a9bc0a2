"""Review: the artist sends a draft, the reviewer approves it by keyboard, the final appears."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.people import SLOW, expect_live, tab_to
from tests.browser.site import Site

pytestmark = pytest.mark.browser


@pytest.fixture
def draft(site: Site, visit: Visit) -> Page:
    """The artist's page of a finished draft of a shot."""
    job_id = site.finished(shot="sh110")
    page = visit("artist").page
    page.goto(f"/jobs/{job_id}/")
    page.get_by_role("link", name="Open the take").click()
    expect_live(page)
    return page


def open_from_the_reviews(page: Page, take: str) -> None:
    """Open a take by keyboard: g, r, then Tab to the take and Enter."""
    page.goto("/")
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(page.get_by_role("heading", name="Reviews", exact=True)).to_be_visible()
    tab_to(page, page.get_by_role("link", name=f"Sora on the stairs · {take}", exact=True))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(take)
    expect_live(page)


def test_an_approved_draft_starts_its_final_automatically(draft: Page, visit: Visit) -> None:
    take = draft.get_by_role("heading", level=1).inner_text()
    draft.keyboard.press("s")
    expect(draft.locator("#take-actions")).to_contain_text("A reviewer of this project will decide")

    reviewer = visit("reviewer").page
    open_from_the_reviews(reviewer, take)
    reviewer.keyboard.press("a")
    expect(reviewer.locator(".messages [data-code=approved_with_final]")).to_be_visible()

    expect(draft.locator(".state.approved").first).to_contain_text("Approved", timeout=SLOW)
    expect(draft.locator("#take-actions button")).to_have_count(0)
    final = draft.get_by_text("Its final is")
    expect(final).to_contain_text("take")
    final.get_by_role("link").click()
    expect(draft.get_by_text("Finishes the approved draft")).to_be_visible()
    expect(draft.locator(".state.completed")).to_contain_text("Done", timeout=SLOW)
    picture = draft.locator("figure.mat img:not(.preview)")
    expect(picture).to_have_js_property("naturalWidth", 128)


def test_a_request_for_a_change_reaches_the_artist_at_once(draft: Page, visit: Visit) -> None:
    draft.keyboard.press("s")
    expect(draft.locator("#take-actions")).to_contain_text("A reviewer of this project will decide")

    reviewer = visit("reviewer").page
    reviewer.goto(draft.url)
    comment = reviewer.get_by_label("Comment")
    comment.fill("Less smile, please.")
    reviewer.get_by_role("button", name="Ask for a change").click()
    expect(reviewer.locator(".messages [data-code=changes_requested]")).to_be_visible()

    expect(draft.locator(".history")).to_contain_text("Less smile, please.", timeout=SLOW)
    expect(draft.locator(".state.changes_requested").first).to_contain_text("Changes requested")
    expect(draft.get_by_role("button", name="Send to review")).to_be_visible()


def test_a_reviewers_text_survives_live_changes(draft: Page, visit: Visit, site: Site) -> None:
    draft.keyboard.press("s")
    person = visit("reviewer")
    reviewer = person.page
    reviewer.goto(draft.url)
    expect_live(reviewer)
    reviewer.get_by_label("Comment").fill("The collar")

    admin = visit("admin").page
    admin.goto(draft.url)
    admin.keyboard.press("a")
    expect(admin.locator(".messages [data-code=approved_with_final]")).to_be_visible()
    expect(reviewer.locator(".state.approved").first).to_be_visible(timeout=SLOW)
    expect(reviewer.get_by_label("Comment")).to_have_value("The collar")

    person.expect_problems([r"status of 409"])
    reviewer.get_by_role("button", name="Approve and render the final").click()
    expect(reviewer.locator(".messages [data-code=review_decided]")).to_contain_text("approved")
    expect(reviewer.get_by_label("Your comment")).to_have_value("The collar")
