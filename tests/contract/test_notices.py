"""ws/live/: a person is told what becomes of their own renders, on every page, and nobody else is."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
from channels.db import database_sync_to_async
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from generation.errors import ModelMissing
from generation.models import Device, Job, ModelCard
from generation.queue import lifecycle
from studio.models import Review, Shot, Take
from studio.production import reviewing
from tests.contract.asking import Caller
from tests.contract.conftest import Picture
from tests.contract.listening import QUIET, heard_until, listen, live, refusal

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]

OURS = "http://testserver"


def page_of(user: User) -> dict[str, str]:
    client = Client()
    client.force_login(user)
    return {"session": client.cookies["genga_session"].value, "origin": OURS}


@pytest.fixture
def pages(artist: User, reviewer: User) -> dict[str, dict[str, str]]:
    return {"artist": page_of(artist), "reviewer": page_of(reviewer)}


@pytest.fixture
def job(api: Caller, shot: Shot, toon: ModelCard, device: Device) -> Job:
    fields = {"prompt": "a unicorn", "project": "harbour", "shot": "sh010", "quality": "draft"}
    return Job.objects.get(pk=api.submit(**fields)["job_id"])


def key(told: str) -> str:
    """The key by which pages know a notice that they have told."""
    (found,) = re.findall('data-notice="([^"]+)"', told)
    return str(found)


@database_sync_to_async
def fail(job: Job, device: Device) -> None:
    attempt = lifecycle.start(job, device)
    assert attempt is not None
    lifecycle.fail(attempt, ModelMissing("The folder is gone."), {})


@database_sync_to_async
def judge(job: Job, artist: User, reviewer: User) -> None:
    take = Take.objects.get(job=job)
    reviewing.request_review(take, artist)
    review = Review.objects.get(take=take)
    reviewing.request_changes(review, reviewer, "the eyes")


@pytest.mark.parametrize("topic", ["queue", "project/harbour", "person"])
async def test_the_end_of_ones_own_render_is_told_on_every_page(
    topic: str, job: Job, picture: Picture, pages: dict[str, dict[str, str]]
) -> None:
    async with listen(live(topic), **pages["artist"]) as line:
        await database_sync_to_async(picture)(job)
        told = await heard_until(line, 'data-code="render_done"')

    assert told.count("data-notice") == 1
    assert f'data-address="/jobs/{job.pk}/"' in told


@pytest.mark.parametrize("topic", ["queue", "person"])
async def test_the_end_of_a_render_between_two_pages_is_told_by_the_next_one_once(
    topic: str, job: Job, picture: Picture, pages: dict[str, dict[str, str]]
) -> None:
    async with listen(live("person"), **pages["artist"]) as line:
        await database_sync_to_async(picture)(job)
        pushed = await heard_until(line, 'data-code="render_done"')
    await database_sync_to_async(Review.objects.create)(
        take=await Take.objects.aget(job=job), requested_by_id=job.owner_id
    )

    async with listen(live(topic), **pages["artist"]) as line:
        await line.send_to(text_data="shown")
        told = await heard_until(line, 'data-code="render_done"')
    async with listen(live(topic), **pages["reviewer"]) as line:
        await line.send_to(text_data="shown")
        await asyncio.sleep(QUIET)
        others = "" if await line.receive_nothing() else await line.receive_from()

    assert key(told) == key(pushed)
    assert "data-notice" not in others


async def test_what_ended_long_before_the_page_is_not_told(
    job: Job, picture: Picture, pages: dict[str, dict[str, str]]
) -> None:
    await database_sync_to_async(picture)(job)
    long_after = timezone.now() + timedelta(minutes=2)

    async with listen(live("person", long_after), **pages["artist"]) as line:
        await line.send_to(text_data="shown")
        await asyncio.sleep(QUIET)
        told = "" if await line.receive_nothing() else await line.receive_from()

    assert "data-notice" not in told


async def test_a_failure_and_a_verdict_are_told_too(
    job: Job,
    api: Caller,
    device: Device,
    picture: Picture,
    artist: User,
    reviewer: User,
    pages: dict[str, dict[str, str]],
) -> None:
    other = await database_sync_to_async(Job.objects.get)(
        pk=(await database_sync_to_async(api.submit)(prompt="another", quality="draft"))["job_id"]
    )
    async with listen(live("person"), **pages["artist"]) as line:
        await fail(other, device)
        await heard_until(line, 'data-code="render_failed"')
        await database_sync_to_async(picture)(job)
        await judge(job, artist, reviewer)
        told = await heard_until(line, 'data-code="changes_asked_for"')

    assert "the eyes" not in told


async def test_nobody_is_told_of_the_renders_of_others(
    job: Job, picture: Picture, pages: dict[str, dict[str, str]]
) -> None:
    async with listen(live("queue"), **pages["reviewer"]) as line:
        await database_sync_to_async(picture)(job)
        told = await heard_until(line, "finished-")
        await asyncio.sleep(QUIET)

    assert "data-notice" not in told


async def test_notices_are_for_people_who_are_logged_in() -> None:
    assert await refusal(live("person"), origin=OURS) == 4403
