"""Response times of the pages, idle and while a render runs.

A logged-in client requests the main pages from a web server repeatedly, first while the worker is
idle, then while it renders on the same machine. Times are those of whole responses at the client.
On a machine without a GPU the render uses the same cores.
"""

import http.cookiejar
import re
import time
import urllib.parse
import urllib.request
from argparse import ArgumentParser
from collections.abc import Callable
from statistics import median
from typing import Any

from django.contrib.auth.models import User

from generation.bench import _site
from generation.models import Job
from generation.queue import requests

HELP = "response times of the main pages, idle and while a render runs"
ISOLATED = True
PAGES = ("/login/", "/", "/projects/", "/render/", "/gallery/", "/reviews/", "/api/anime/queue")
WARM_UP = 3
PROMPT = "1girl, bob green hair, forest background"


def add_arguments(parser: ArgumentParser) -> None:
    """Options: number of requests of each page."""
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--port", type=int, default=8329)


def run(options: dict[str, Any], say: Callable[[str], None]) -> dict[str, Any]:
    """Run the benchmark; results are in milliseconds."""
    person, card = _site.prepare()
    person.set_password(person.username)
    person.save()
    with _site.web(options["port"]) as address, _site.worker():
        browser = _log_in(address, person)
        _site.wait_until_ended(_site.submit(person, card, PROMPT, 1))
        idle = _ask(browser, address, options["times"])
        job = _site.submit(person, card, PROMPT, 150)
        busy = _ask(browser, address, options["times"], while_running=job)
        requests.cancel(job)
    say(f"milliseconds, median and slowest of {options['times']} responses")
    say(f"  {'page':<20} {'idle':>8} {'slowest':>9} {'rendering':>9} {'slowest':>9}")
    for page in PAGES:
        figures = [median(idle[page]), max(idle[page]), median(busy[page]), max(busy[page])]
        say(
            f"  {page:<20} {figures[0]:8.1f} {figures[1]:8.1f} {figures[2]:10.1f} {figures[3]:8.1f}"
        )
    return {
        "idle_ms": {page: round(median(times), 1) for page, times in idle.items()},
        "rendering_ms": {page: round(median(times), 1) for page, times in busy.items()},
        "slowest_ms": round(max(max(times) for times in busy.values()), 1),
    }


def _ask(
    browser: urllib.request.OpenerDirector,
    address: str,
    times: int,
    while_running: Job | None = None,
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {page: [] for page in PAGES}
    for number in range(-WARM_UP, times):
        for page in PAGES:
            started = time.perf_counter()
            with browser.open(address + page) as answer:
                answer.read()
            if number >= 0:
                found[page].append(1000 * (time.perf_counter() - started))
        if while_running is not None:
            while_running.refresh_from_db()
            if while_running.state.ended:
                raise RuntimeError("the render ended before the pages were measured")
    return found


def _log_in(address: str, person: User) -> urllib.request.OpenerDirector:
    """Log in; return a client with the session's cookies."""
    cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    browser = urllib.request.build_opener(cookies)
    with browser.open(f"{address}/login/") as page:
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.read().decode())
    if found is None:
        raise RuntimeError("the login page holds no form")
    form = {
        "csrfmiddlewaretoken": found[1],
        "username": person.username,
        "password": person.username,
    }
    browser.open(f"{address}/login/", urllib.parse.urlencode(form).encode()).close()
    return browser
