"""Clips in the browser: frame by frame, by keyboard and pointer, and during live changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Response, expect

from tests.browser.conftest import Visit
from tests.browser.people import PHONE, SLOW, expect_live, tab_to
from tests.browser.site import PROJECT, Site, wait_until

pytestmark = pytest.mark.browser

FRAMES = 8
CLIP: dict[str, Any] = {"type": "video", "frames": FRAMES, "fps": 8, "formats": ["gif"]}
SHOT = "sh050"

# The picture of the video as sixteen grey values, enough to tell frames apart.
LOOK = """() => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 4, height: 4 });
  const context = canvas.getContext("2d");
  context.drawImage(document.querySelector("video"), 0, 0, 4, 4);
  return [...context.getImageData(0, 0, 4, 4).data].filter((_, index) => index % 4 === 1).join();
}"""


@pytest.fixture(scope="module")
def job_id(site: Site) -> str:
    """The job's id of a rendered clip."""
    return site.finished(**CLIP, shot=SHOT)


@pytest.fixture
def page(visit: Visit, job_id: str) -> Page:
    """The artist's page of the take, at the first frame."""
    page = visit("artist").page
    open_take(page, job_id)
    return page


def open_take(page: Page, job_id: str) -> None:
    page.goto(f"/jobs/{job_id}/")
    page.get_by_role("link", name="Open the take").click()
    expect_live(page)
    expect_frame(page, 1)


def expect_frame(page: Page, number: int) -> None:
    """Expect counter, scrubber, chart and clip to be paused at a frame."""
    expect(page.locator("[data-frame]")).to_have_text(str(number))
    expect(page.locator("[data-timecode]")).to_have_text(f"00:00:{(number - 1) % 8:02d}")
    expect(page.get_by_label("Frame", exact=True)).to_have_value(str(number))
    place = 100 * (number - 1) / (FRAMES - 1)
    x = page.locator(".playhead").get_attribute("x1") or ""
    assert float(x.removesuffix("%")) == pytest.approx(place)
    page.wait_for_function(
        "frame => { const v = document.querySelector('video');"
        " return v.paused && !v.seeking && v.readyState >= 2"
        " && Math.floor(v.currentTime * 8) === frame; }",
        arg=number - 1,
    )
    middle = (number - 0.5) / 8
    assert page.evaluate("document.querySelector('video').currentTime") == pytest.approx(
        middle, abs=0.01
    )


def paused(page: Page) -> bool:
    found: bool = page.evaluate("document.querySelector('video').paused")
    return found


def test_arrow_keys_show_every_frame_once_in_both_directions(page: Page) -> None:
    def look(key: str, numbers: range) -> Iterator[str]:
        for number in numbers:
            page.keyboard.press(key)
            expect_frame(page, number)
            yield page.evaluate(LOOK)

    page.keyboard.press("Home")
    expect_frame(page, 1)
    first = page.evaluate(LOOK)
    there = [first, *look("ArrowRight", range(2, FRAMES + 1))]
    assert len(set(there)) == FRAMES, "each frame is another picture"
    page.keyboard.press("End")
    expect_frame(page, FRAMES)
    back = [there[-1], *look("ArrowLeft", range(FRAMES - 1, 0, -1))]
    assert back == there[::-1]
    page.keyboard.press("ArrowLeft")
    expect_frame(page, FRAMES)


def test_a_browser_seeks_by_range_requests(visit: Visit, job_id: str) -> None:
    page = visit("artist").page
    answers: list[Response] = []
    page.on("response", lambda answer: answers.append(answer))
    open_take(page, job_id)
    plot = page.locator("[data-plot]")
    box = plot.bounding_box()
    assert box is not None
    plot.click(position={"x": 8 + (box["width"] - 16) * 4 / 7, "y": 20})
    expect_frame(page, 5)

    asked = [answer for answer in answers if re.search(r"/outputs/[^/]+/$", answer.url)]
    assert [answer.status for answer in asked if "range" in answer.request.headers][:1] == [206]
    assert asked[0].headers["content-range"].startswith("bytes 0-")


def test_the_scrubber_steps_by_its_own_keys_and_follows_the_pointer(page: Page) -> None:
    scrubber = page.get_by_label("Frame", exact=True)
    tab_to(page, scrubber)
    page.keyboard.press("ArrowRight")
    expect_frame(page, 2)
    page.keyboard.press("ArrowUp")
    expect_frame(page, 3)
    expect(scrubber).to_have_attribute("aria-valuetext", f"Frame 3 of {FRAMES}, 00:00:02")
    page.keyboard.press("End")
    expect_frame(page, FRAMES)
    box = scrubber.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    shown = page.locator("[data-frame]").inner_text()
    assert shown in ("4", "5")
    expect_frame(page, int(shown))


def test_the_space_bar_plays_and_stops_on_a_whole_frame(page: Page) -> None:
    page.keyboard.press("Space")
    play = page.get_by_role("button", name="Pause", exact=True)
    expect(play).to_be_visible()
    wait_until(lambda: page.locator("[data-frame]").inner_text() != "1", "the clip plays")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    expect_frame(page, int(page.locator("[data-frame]").inner_text()))

    page.locator("video").click()
    expect(play).to_be_visible()


def test_without_loop_it_stops_at_the_last_frame_and_restarts_at_the_first(
    page: Page,
) -> None:
    loop = page.get_by_role("button", name="Loop")
    expect(loop).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("l")
    expect(loop).to_have_attribute("aria-pressed", "false")
    page.keyboard.press(".")
    expect(page.locator("[data-speed]")).to_have_text("2×")
    page.keyboard.press("Space")
    wait_until(lambda: paused(page), "it ends")
    expect_frame(page, FRAMES)
    page.keyboard.press("ArrowRight")
    expect_frame(page, FRAMES)

    for speed in ("1×", "0.5×", "0.25×", "0.25×"):
        page.keyboard.press(",")
        expect(page.locator("[data-speed]")).to_have_text(speed)
    page.keyboard.press("Space")
    expect(page.locator("[data-frame]")).to_have_text("2")
    page.keyboard.press("Space")

    page.keyboard.press("l")
    page.keyboard.press("End")
    expect_frame(page, FRAMES)
    page.keyboard.press("Space")
    expect(page.locator("[data-frame]")).to_have_text("1")
    assert not paused(page), "it goes on behind the end"


def test_full_screen_and_the_list_of_keys(page: Page) -> None:
    page.keyboard.press("f")
    page.wait_for_function("() => document.fullscreenElement?.localName === 'genga-player'")
    page.keyboard.press("ArrowRight")
    expect_frame(page, 2)
    page.keyboard.press("f")
    page.wait_for_function("() => document.fullscreenElement === null")

    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    for key in ("Space", "←", "→", "Home", "End", ",", ".", "l", "f"):
        expect(dialog.locator("kbd").get_by_text(key, exact=True)).to_be_visible()
    page.keyboard.press("Escape")


def test_keys_that_scroll_do_so_when_the_player_is_out_of_sight(page: Page) -> None:
    page.set_viewport_size({"width": 1280, "height": 300})
    page.evaluate("document.body.style.paddingTop = '2000px'")
    page.evaluate("scrollTo(0, 0)")
    page.keyboard.press("Space")
    wait_until(lambda: page.evaluate("scrollY") > 0, "the page scrolls")
    assert paused(page)


def test_a_clip_plays_on_while_other_parts_of_its_page_change(
    page: Page, visit: Visit, job_id: str
) -> None:
    page.keyboard.press("Space")
    page.evaluate("document.querySelector('video').mine = true")
    page.evaluate(
        "document.querySelector('video').addEventListener('pause', () => { stopped = 1 })"
    )
    other = visit("artist").page
    open_take(other, job_id)
    other.keyboard.press("s")
    expect(page.locator(".state.pending").first).to_be_visible(timeout=SLOW)
    page.evaluate("document.body.dispatchEvent(new CustomEvent('genga:refresh'))")
    page.wait_for_load_state("networkidle")

    assert page.evaluate("document.querySelector('video').mine === true")
    assert page.evaluate("typeof stopped") == "undefined", "it was never stopped"
    assert not paused(page)
    page.keyboard.press("Space")
    expect_frame(page, int(page.locator("[data-frame]").inner_text()))


def test_a_clip_that_finishes_on_an_open_page_plays_without_layout_shift(
    visit: Visit, site: Site, long_render: str
) -> None:
    waiting = site.render(**CLIP, shot=SHOT)
    page = visit("reviewer").page
    page.goto(f"/jobs/{waiting}/")
    expect_live(page)
    play = page.get_by_role("button", name="Play", exact=True)
    parts = [page.locator(part) for part in (".large .mat", ".transport", ".big .progress")]
    before = [part.bounding_box() for part in parts]
    expect(play).to_be_disabled()

    site.cancel(long_render)
    expect(play).to_be_enabled(timeout=SLOW)
    expect_frame(page, 1)
    page.keyboard.press("ArrowRight")
    expect_frame(page, 2)
    assert [part.bounding_box() for part in parts] == before


def test_downloads_have_readable_names(page: Page) -> None:
    number = page.get_by_role("heading", level=1).inner_text().removeprefix("Take ")
    for word, ending in (("MP4", "mp4"), ("GIF", "gif")):
        with page.expect_download() as download:
            page.get_by_role("link", name=word, exact=True).click()
        name = f"Harbour Lights_The path uphill_take{number}_draft.{ending}"
        assert download.value.suggested_filename == name


def strip_of(page: Page, job_id: str) -> Locator:
    page.goto(f"/projects/{PROJECT}/{SHOT}/")
    return page.locator(f"#job-{job_id}-picture .strip")


def place_of(strip: Locator) -> float:
    """The shown position of the strip: 0 for its first tile, 100 for its last."""
    place: str = strip.evaluate("element => getComputedStyle(element).backgroundPositionX")
    return float(place.removesuffix("%"))


def test_a_card_shows_the_frame_under_the_pointer(page: Page, job_id: str) -> None:
    strip = strip_of(page, job_id)
    box = strip.bounding_box()
    assert box is not None
    for share, place in ((0.02, 0), (0.5, 100 * 4 / 7), (0.98, 100)):
        page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
        expect(strip).to_have_css("opacity", "1")
        assert place_of(strip) == pytest.approx(place, abs=0.1)
    page.mouse.move(0, 0)
    expect(strip).to_have_css("opacity", "0")


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_a_focused_card_plays_unless_reduced_motion_is_preferred(
    motion: str, visit: Visit, job_id: str
) -> None:
    page = visit("artist", reduced_motion=motion).page
    strip = strip_of(page, job_id)
    tab_to(page, page.locator("a", has=strip))
    if motion == "reduce":
        page.wait_for_timeout(400)
        expect(strip).to_have_css("opacity", "0")
        return
    expect(strip).to_have_css("opacity", "1")
    wait_until(lambda: place_of(strip) > 50, "the strip runs")


def test_on_a_phone_the_player_fits_and_responds_to_touch(visit: Visit, job_id: str) -> None:
    page = visit("artist", **PHONE).page
    open_take(page, job_id)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for button in page.locator(".transport button").all():
        box = button.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 40
        assert 0 <= box["x"] <= 390 - box["width"] + 12
    page.get_by_role("button", name="Next frame").tap()
    expect_frame(page, 2)
