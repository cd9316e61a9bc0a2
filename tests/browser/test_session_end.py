"""Sessions end under open pages, and nothing that was typed is lost."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visit
from tests.browser.people import Person, expect_live, log_in
from tests.browser.site import PROJECT, Site

pytestmark = pytest.mark.browser

FORM = f"/render/?shot={PROJECT}/sh040"
TYPED = "lanterns over the water"


def prompt(page: Page) -> Locator:
    return page.get_by_label("Prompt", exact=True)


def end_session(person: Person) -> None:
    person.context.clear_cookies(name="genga_session")
    person.expect_problems([r"status of 401"])


def enter(page: Page, name: str) -> None:
    page.get_by_label("Username").fill(name)
    page.get_by_label("Password").fill(name)
    page.get_by_role("button", name="Log in").click()


def submit(page: Page) -> None:
    page.locator("aside").get_by_role("button", name="Render").click()


def test_what_is_typed_survives_the_end_of_the_session_until_it_is_sent(visit: Visit) -> None:
    person = visit("artist")
    page = person.page
    page.goto(FORM)
    prompt(page).fill(TYPED)
    end_session(person)
    prompt(page).press("!")
    page.wait_for_url("**/login/**")
    enter(page, "artist")
    page.wait_for_url(f"**{FORM}")
    expect(prompt(page)).to_have_value(re.compile(TYPED))
    expect(page.locator("[data-code=draft_restored]")).to_be_visible()

    prompt(page).fill(f"{TYPED}, waves")
    expect(page.locator("#expectation")).to_contain_text("steps")
    end_session(person)
    submit(page)
    page.wait_for_url("**/login/**")
    enter(page, "artist")
    page.wait_for_url(f"**{FORM}")
    expect(prompt(page)).to_have_value(f"{TYPED}, waves")

    submit(page)
    page.wait_for_url("**/jobs/*/")
    page.goto(FORM)
    expect(prompt(page)).not_to_have_value(re.compile(TYPED))


def test_a_login_in_another_tab_keeps_the_first_tabs_text_for_its_person(visit: Visit) -> None:
    person = visit()
    first = person.page
    log_in(first, "artist")
    first.goto(FORM)
    expect(first.locator("#expectation")).to_contain_text("steps")
    with first.expect_response("**/render/estimate/"):
        prompt(first).fill(TYPED)
    other = person.open_page()
    for name in ("reviewer", "artist"):
        expect(first.locator("#expectation")).to_contain_text("steps")
        person.context.clear_cookies(name="genga_session")
        log_in(other, name)
        submit(first)
        expect(first.locator(".messages [data-code=form_out_of_date]")).to_be_visible()
        back = expect(prompt(first))
        if name == "artist":
            back.to_have_value(TYPED)
        else:
            back.not_to_have_value(TYPED)
    submit(first)
    first.wait_for_url("**/jobs/*/")
    person.forgive(["status of 40[13]"])


def test_an_open_page_says_that_its_session_has_ended(visit: Visit, site: Site) -> None:
    person = visit()
    page = person.page
    log_in(page, "artist")
    job = f"/jobs/{site.finished()}/"
    page.goto(job)
    expect_live(page)
    other = person.open_page()
    other.goto("/gallery/")
    other.locator(".person summary").click()
    other.get_by_role("button", name="Log out").click()
    person.expect_problems([r"status of 401"])

    expect(page.locator("#trouble [data-code=logged_out]")).to_be_visible()
    expect(page.locator("[data-line]")).to_have_text("Not live")
    page.get_by_role("link", name="Log in again").click()
    enter(page, "artist")
    page.wait_for_url(f"**{job}")
    expect_live(page)


def test_an_answer_that_does_not_come_is_said(visit: Visit) -> None:
    person = visit("artist")
    page = person.page
    page.goto(FORM)
    expect(page.locator("#expectation")).to_contain_text("steps")
    person.context.set_offline(True)
    prompt(page).fill(TYPED)
    said = page.locator("#trouble [data-code=no_answer]")
    expect(said).to_be_visible()
    person.context.set_offline(False)
    prompt(page).press("!")
    expect(page.locator("#expectation")).to_contain_text("steps")
    expect(said).to_be_hidden()
    person.forgive(["net::ERR_", "WebSocket", r"htmx:sendError", r"\[object Event\]"])


def test_what_another_saves_during_a_lost_session_is_a_conflict_in_the_admin_site(
    visit: Visit,
) -> None:
    mine, theirs = visit("admin"), visit("admin")
    pages = (mine.page, theirs.page)
    for page in pages:
        page.goto("/admin/studio/character/")
        page.get_by_role("link", name="Sora").click()
        expect(page.get_by_label("Look")).to_be_visible()
    first, second = (page.get_by_label("Look") for page in pages)
    first.fill("1girl, blue hat")
    second.fill("1girl, red coat")
    pages[1].get_by_role("button", name="Save", exact=True).click()
    pages[1].wait_for_url("**/admin/studio/character/")

    pages[0].reload()
    expect(first).to_have_value("1girl, blue hat")
    pages[0].get_by_role("button", name="Save", exact=True).click()

    expect(pages[0].locator(".errorlist")).to_contain_text("1girl, red coat")
    expect(first).to_have_value("1girl, blue hat")
    pages[0].get_by_role("button", name="Save", exact=True).click()
    pages[0].wait_for_url("**/admin/studio/character/")


def edit_project(page: Page, slug: str, *artists: str) -> None:
    """Make a project in the admin site, and open its form."""
    page.goto("/admin/studio/project/add/")
    page.locator("#id_name").fill(slug)
    page.locator("#id_slug").fill(slug)
    for number, name in enumerate(artists):
        page.get_by_role("button", name="Add another Membership").click()
        page.locator(f"#id_memberships-{number}-user").select_option(label=name)
        page.locator(f"#id_memberships-{number}-role").select_option("artist")
    page.get_by_role("button", name="Save and continue editing").click()
    page.wait_for_url("**/change/")


def row_of(page: Page, name: str) -> Locator:
    person = page.locator(".original", has_text=f"{name} in ")
    return page.locator("#memberships-group tr", has=person)


def role_of(page: Page, name: str) -> Locator:
    return row_of(page, name).locator("select[name$=-role]")


def save(page: Page) -> None:
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.locator(".messagelist .success")).to_be_visible()


def test_what_was_typed_in_a_row_of_the_admin_site_stays_with_its_row(visit: Visit) -> None:
    mine, theirs = visit("admin").page, visit("admin").page
    edit_project(mine, "rows-of-two", "artist", "reviewer", "admin")
    theirs.goto(mine.url)
    role_of(mine, "reviewer").select_option("admin")
    role_of(mine, "artist").select_option("admin")
    row_of(theirs, "artist").locator("input[name$=-DELETE]").check()
    save(theirs)

    mine.reload()
    expect(role_of(mine, "reviewer")).to_have_value("admin")
    expect(role_of(mine, "admin")).to_have_value("artist")
    expect(mine.locator("[data-code=draft_restored_partly]")).to_be_visible()
    save(mine)
    roles = {name: role_of(mine, name).input_value() for name in ("reviewer", "admin")}
    assert roles == {"reviewer": "admin", "admin": "artist"}
    expect(mine.locator(".restored")).to_have_count(0)


def test_rows_that_were_added_in_the_admin_site_come_back(visit: Visit) -> None:
    mine, theirs = visit("admin").page, visit("admin").page
    edit_project(mine, "rows-that-grow")
    theirs.goto(mine.url)
    for page, names in ((mine, ("left out", "dusk", "dawn")), (theirs, ("noon",))):
        for number, name in enumerate(names):
            page.get_by_role("button", name="Add another Sequence").click()
            page.locator(f"#id_sequences-{number}-name").fill(name)
            page.locator(f"#id_sequences-{number}-slug").fill(name.replace(" ", "-"))
    mine.locator("#sequences-0 .inline-deletelink").click()
    save(theirs)
    names = mine.locator("#sequences-group tr:not(.empty-form) input[name$=-name]")

    mine.reload()
    expect(mine.locator("[data-code=draft_restored]")).to_be_visible()
    assert [one.input_value() for one in names.all()] == ["noon", "dusk", "dawn"]
    mine.get_by_role("button", name="Discard it").click()
    assert [one.input_value() for one in names.all()] == ["noon"]

    for number, name in enumerate(("dusk", "dawn"), 1):
        mine.get_by_role("button", name="Add another Sequence").click()
        mine.locator(f"#id_sequences-{number}-name").fill(name)
        mine.locator(f"#id_sequences-{number}-slug").fill(name)
    mine.reload()
    expect(mine.locator("[data-code=draft_restored]")).to_be_visible()
    save(mine)
    assert {one.input_value() for one in names.all()} == {"noon", "dusk", "dawn"}
