"""What people do in a browser, and the errors that they must not see."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

SLOW = 60_000
"""Milliseconds to wait for a render. Everything else has the shorter timeout of conftest.py."""

PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}

# htmx's messages about a request that a newer one replaced, or whose page was left.
HARMLESS = re.compile(r"htmx:sendAbort|htmx:afterRequest")

FOCUS = """() => {
  const element = document.activeElement;
  const shown = element.matches(".segments input") ? element.closest("label") : element;
  const style = getComputedStyle(shown);
  return {
    name: element.tagName + "#" + element.id + " " + element.textContent.trim().slice(0, 30),
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    onScreen: shown.getBoundingClientRect().width > 1 && shown.getBoundingClientRect().left >= 0,
    isBody: element === document.body,
  };
}"""

# Runs in the page at every painted frame, so that no visible value is missed.
WATCH = """() => {
  window.seen = [];
  const look = () => {
    const box = document.querySelector("figure.mat").getBoundingClientRect();
    const picture = document.querySelector("figure.mat img");
    const now = {
      value: document.querySelector(".big progress").value,
      stage: document.querySelector(".big .stage").textContent,
      picture: picture ? (picture.className || "final") : "none",
      box: [box.x, box.y, box.width, box.height].map(Math.round),
    };
    const last = window.seen.at(-1);
    if (JSON.stringify(now) !== JSON.stringify(last)) window.seen.push(now);
    requestAnimationFrame(look);
  };
  look();
}"""


class Person:
    """A person with their own browser context. Every error of their pages is kept."""

    def __init__(self, browser: Browser, address: str, state: Any = None, **options: Any) -> None:
        self.context: BrowserContext = browser.new_context(
            base_url=address, storage_state=state, **options
        )
        self.problems: list[str] = []
        self._expected: list[str] = []
        self.page = self.open_page()

    def open_page(self) -> Page:
        """Open another tab."""
        page = self.context.new_page()
        page.on("console", lambda said: self._note(said.type, said.text))
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (self.problems.append("a dialog"), dialog.dismiss()))
        return page

    def expect_problems(self, patterns: Iterable[str]) -> None:
        """Ignore problems of these patterns, which the test causes, from now on."""
        self._expected = list(patterns)
        self.forgive(self._expected)

    def forgive(self, patterns: Iterable[str]) -> None:
        """Remove recorded problems that the test has caused."""
        self.problems = [
            problem
            for problem in self.problems
            if not any(re.search(pattern, problem) for pattern in patterns)
        ]

    def _note(self, kind: str, text: str) -> None:
        # Chromium reports a violation of the content security policy as an error, or in another type.
        expected = any(re.search(pattern, text) for pattern in self._expected)
        wrong = kind == "error" and not HARMLESS.search(text) and not expected
        if wrong or "Content Security Policy" in text:
            self.problems.append(f"{kind}: {text}")


def log_in(page: Page, name: str) -> None:
    """Log in by keyboard. The name has the focus when the page opens."""
    page.goto("/login/")
    expect(page.get_by_label("Username")).to_be_focused()
    page.keyboard.type(name)
    page.keyboard.press("Tab")
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()


def tab_to(page: Page, target: Locator, most: int = 40) -> None:
    """Press Tab until the target has the focus, which must be visible."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            assert page.evaluate(FOCUS)["outlined"], "the focus is not visible"
            return
    raise AssertionError(f"{target} cannot be reached with the Tab key")


def expect_live(page: Page) -> None:
    """Wait until the page shows that it is live."""
    expect(page.locator("[data-line]")).to_have_text("Live", timeout=SLOW)


def step(page: Page) -> int:
    """The denoising step that the job's page shows; 0 before the first."""
    found = re.search(r"step (\d+)", page.locator(".big .stage").inner_text())
    return int(found[1]) if found else 0
