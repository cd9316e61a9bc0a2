"""ws/live/: fragments pushed to pages, each made once, the newest first, to nobody who may not."""

from __future__ import annotations

import asyncio
import base64
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from generation.estimating.estimator import Estimator
from generation.models import Device, Job, ModelCard
from generation.queue import lifecycle
from studio.live import fragments
from studio.live import hub as fan_out
from studio.models import Project, Shot
from tests.contract.asking import Caller
from tests.contract.conftest import Picture
from tests.contract.listening import (
    PATIENCE,
    QUIET,
    heard,
    heard_until,
    job_page,
    listen,
    live,
    refusal,
    report_step,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]

OURS = "http://testserver"
PROMPT = "a unicorn in the fog"
PREVIEW = b"RIFF-a-preview-of-it"
start = database_sync_to_async(lifecycle.start)


@pytest.fixture
def page(browser: Client) -> dict[str, str]:
    """How the artist's pages open their sockets."""
    return {"session": browser.cookies["genga_session"].value, "origin": OURS}


@pytest.fixture
def strangers_page(stranger: User) -> dict[str, str]:
    """How pages of somebody in no project of ours open theirs."""
    client = Client()
    client.force_login(stranger)
    return {"session": client.cookies["genga_session"].value, "origin": OURS}


@pytest.fixture
def job(api: Caller, shot: Shot, toon: ModelCard, device: Device) -> Job:
    """A waiting take of the harbour's shot."""
    fields = {"prompt": PROMPT, "project": "harbour", "shot": "sh010", "quality": "draft"}
    return Job.objects.select_related("take").get(pk=api.submit(**fields)["job_id"])


async def test_a_change_is_pushed_to_the_jobs_page(
    job: Job, device: Device, page: dict[str, str]
) -> None:
    async with listen(job_page(job), **page) as line:
        await start(job, device)
        moved = await heard_until(line, "Rendering")
        await report_step(job, 2, PREVIEW)
        progress = await heard_until(line, "step 2 of 8")

    for name in ("progress", "picture", "state", "history", "settings"):
        assert f'id="job-{job.pk}-{name}"' in moved, name
    assert 'hx-swap-oob="true"' in moved
    assert "Started" in moved
    assert base64.b64encode(PREVIEW).decode() in progress
    assert "history" not in progress, "a step changes no history"


async def test_a_finished_take_reaches_the_pages_of_its_project(
    job: Job, shot: Shot, page: dict[str, str], picture: Picture
) -> None:
    take_id = job.take.pk
    async with listen(live("project/harbour"), **page) as line:
        output = await database_sync_to_async(picture)(job)
        pushed = await heard_until(line, f'id="finished-{job.pk}"')

    assert f'id="shot-{shot.pk}"' in pushed
    assert f'id="shot-{shot.pk}-takes"' in pushed
    assert f'id="take-{take_id}-review"' in pushed
    assert f"/outputs/{output.pk}/thumbnail/" in pushed


async def test_the_dashboard_hears_of_the_queue_and_of_ones_own_pictures(
    job: Job, device: Device, page: dict[str, str]
) -> None:
    async with listen(live("queue"), **page) as line:
        await start(job, device)
        await heard_until(line, 'id="devices"')
        await report_step(job, 3, PREVIEW)
        await heard_until(
            line,
            "Denoising, step 3 of 8",
            f'id="job-{job.pk}-picture"',
            base64.b64encode(PREVIEW).decode(),
        )


async def test_a_page_that_joins_a_running_render_is_told_its_step_at_once(
    job: Job, device: Device, page: dict[str, str], strangers_page: dict[str, str]
) -> None:
    await start(job, device)
    await report_step(job, 2, PREVIEW)
    preview = base64.b64encode(PREVIEW).decode()

    for topic in ("queue", "project/harbour", f"job/{job.pk}"):
        async with listen(live(topic), **page) as line:
            await heard_until(line, "Denoising, step 2 of 8", preview)
    async with listen(live("queue"), **strangers_page) as line:
        assert preview not in await heard_until(line, "Denoising, step 2 of 8")
        assert await line.receive_nothing(QUIET)


async def test_the_queue_shows_strangers_neither_pictures_nor_prompts(
    job: Job, strangers_page: dict[str, str], device: Device
) -> None:
    async with listen(live("queue"), **strangers_page) as line:
        attempt = await start(job, device)
        told = await heard_until(line, 'id="devices"')
        await report_step(job, 5, PREVIEW)
        told += await heard_until(line, "step 5 of 8")
        assert attempt is not None
        await database_sync_to_async(lifecycle.complete)(attempt, [], {}, Estimator().learn)
        told += await heard_until(line, "Nothing waits")
        while not await line.receive_nothing(QUIET):
            told += await heard(line)

    assert "artist" in told, "who works is no secret"
    for secret in ("unicorn", "<img", "data:image", "/outputs/", "Harbour", "Arrival"):
        assert secret not in told, secret


async def test_a_page_painted_before_a_change_fetches_itself_again(
    job: Job, page: dict[str, str]
) -> None:
    before = timezone.now() - timedelta(minutes=1)

    for topic in ("queue", "project/harbour", f"job/{job.pk}"):
        async with listen(live(topic, before), **page) as line:
            assert await line.receive_from(PATIENCE) == "refresh", topic
        async with listen(live(topic), **page) as line:
            assert await line.receive_nothing(QUIET), topic


@pytest.mark.parametrize("query", ["", "?since=", "?since=yesterday", "?since=2026-13-41T99:99"])
async def test_a_page_that_does_not_say_when_it_was_painted_fetches_itself_again(
    query: str, job: Job, page: dict[str, str]
) -> None:
    async with listen(f"/ws/live/job/{job.pk}/{query}", **page) as line:
        assert await line.receive_from(PATIENCE) == "refresh"


async def test_a_page_that_missed_another_job_only_stays_as_it_is(
    job: Job, page: dict[str, str], submit: Callable[..., Job]
) -> None:
    painted = timezone.now()
    await database_sync_to_async(submit)()

    async with listen(live(f"job/{job.pk}", painted), **page) as line:
        assert await line.receive_nothing(QUIET)


async def test_a_page_that_fetches_itself_is_sent_nothing_older_than_what_it_fetched(
    job: Job, device: Device, page: dict[str, str]
) -> None:
    before = timezone.now() - timedelta(minutes=1)
    async with listen(live(f"job/{job.pk}", before), **page) as line:
        assert await line.receive_from(PATIENCE) == "refresh"
        await start(job, device)
        for step in (1, 2):
            await report_step(job, step)
            await asyncio.sleep(0.05)
        assert await line.receive_nothing(QUIET), "the page is not there yet"

        await line.send_to("shown")

        assert "step 2 of 8" in await line.receive_from(PATIENCE)


async def test_topics_that_one_may_not_see_are_refused(
    job: Job, page: dict[str, str], strangers_page: dict[str, str], foreign_project: Project
) -> None:
    for path in (f"job/{job.pk}", "project/harbour"):
        assert await refusal(live(path), **strangers_page) == 4403, path
        assert await refusal(live(path), origin=OURS) == 4403, path
    for path in ("project/secret", "project/nowhere", f"job/{uuid4()}", "job/7", "job", "secrets"):
        assert await refusal(live(path), **page) == 4403, path
    assert await refusal(live("queue"), origin=OURS) == 4403
    assert await refusal(live("queue"), **{**page, "origin": "https://evil.example"}) == 4403


async def test_a_viewer_that_has_not_shown_a_batch_gets_no_other_and_then_the_newest(
    job: Job, device: Device, page: dict[str, str]
) -> None:
    async with listen(job_page(job), **page) as slow:
        await start(job, device)
        assert "Rendering" in await slow.receive_from(PATIENCE)
        for step in range(1, 8):
            await report_step(job, step)
            await asyncio.sleep(0.05)
        assert await slow.receive_nothing(QUIET), "one batch is on its way at a time"

        await slow.send_to("shown")
        newest = await slow.receive_from(PATIENCE)

        assert "step 7 of 8" in newest
        assert newest.count(f'id="job-{job.pk}-progress"') == 1
        await slow.send_to("shown")
        assert await slow.receive_nothing(QUIET), "there is no backlog"


async def test_a_slow_viewer_holds_up_no_other(
    job: Job, device: Device, page: dict[str, str]
) -> None:
    async with listen(job_page(job), **page) as slow, listen(job_page(job), **page) as fast:
        await start(job, device)
        assert "Rendering" in await slow.receive_from(PATIENCE)
        await heard_until(fast, "Rendering")
        for step in (1, 2, 3):
            await report_step(job, step)
            await heard_until(fast, f"step {step} of 8")
        assert await slow.receive_nothing(QUIET)


async def test_a_viewer_that_never_answers_is_sent_the_newest_all_the_same(
    job: Job, device: Device, page: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fan_out, "PATIENCE", 0.3)
    async with listen(job_page(job), **page) as silent:
        await start(job, device)
        assert "Rendering" in await silent.receive_from(PATIENCE)
        await report_step(job, 4)
        assert "step 4 of 8" in await silent.receive_from(PATIENCE / 2)


async def test_a_fragment_is_made_once_however_many_look_at_it(
    job: Job, device: Device, page: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: Counter[str] = Counter()
    real = fragments.render_to_string

    def counted(template: str, context: Any) -> str:
        made[template] += 1
        return real(template, context)

    monkeypatch.setattr(fragments, "render_to_string", counted)
    async with (
        listen(job_page(job), **page) as first,
        listen(job_page(job), **page) as second,
        listen(job_page(job), **page) as third,
    ):
        viewers = (first, second, third)
        await start(job, device)
        moved = [await heard(viewer) for viewer in viewers]
        assert set(made.values()) == {1}, made
        assert len(made) == 6
        made.clear()
        await report_step(job, 1)
        progress = [await heard(viewer) for viewer in viewers]

    same = {said.rpartition("\n")[0] for said in moved}
    assert len(same) == len({said.rpartition("\n")[0] for said in progress}) == 1
    assert made == {"fragments/job_progress.html": 1, "fragments/job_picture.html": 1}


async def test_nothing_is_made_when_nobody_looks_any_more(
    job: Job, device: Device, page: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    async with listen(live("queue"), **page) as staying:
        async with listen(job_page(job), **page):
            pass
        monkeypatch.setattr(
            fragments, "render_to_string", lambda name, _context: made.append(name) or name
        )
        await start(job, device)
        await heard(staying)
        await asyncio.sleep(QUIET)

    assert "fragments/job_history.html" not in made
