"""Times in the person's zone, and countdowns that do not believe the viewer's clock."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.people import expect_live
from tests.browser.site import Site

pytestmark = pytest.mark.browser

TOKYO = "Asia/Tokyo"
AN_HOUR_AHEAD = """
const hour = 3_600_000, real = Date;
window.Date = class extends real {
  constructor(...parts) { super(...(parts.length ? parts : [real.now() + hour])); }
  static now() { return real.now() + hour; }
};
"""


def test_times_are_in_the_viewers_zone_and_by_the_servers_clock(
    visit: Visit, site: Site, long_render: str
) -> None:
    job = site.render()
    page = visit("artist", timezone_id=TOKYO).page
    page.add_init_script(AN_HOUR_AHEAD)
    page.goto("/")
    expect_live(page)
    starts = page.locator(f'[data-job="{job}"] .starts time')
    expect(starts).to_have_text(re.compile(r"^in \d+ (s|min)$"))

    page.goto(f"/jobs/{job}/")
    submitted = datetime.fromisoformat(site.job(job)["submitted_at"]).astimezone(ZoneInfo(TOKYO))
    time = page.locator(".history time").first
    expect(time).to_have_text(f"{submitted:%H:%M:%S}")
    expect_live(page)
    site.cancel(job)
    expect(page.locator(".history li")).to_have_count(2)
    expect(time).to_have_text(f"{submitted:%H:%M:%S}")
