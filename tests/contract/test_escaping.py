"""Markup that somebody typed is text on every page, in every pushed fragment and in every answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from generation.errors import RenderError
from generation.live.events import QUEUE_GROUP, EventKind, job_group
from generation.models import Device, Job, ModelCard
from generation.queue import lifecycle
from generation.scheduling.forecast import Forecaster
from studio.live import fragments
from studio.live.fragments import Topic
from studio.models import Character, Project, Shot, Style, Take
from studio.production import reviewing
from tests.contract.asking import JOBS, Caller
from tests.contract.conftest import Picture

pytestmark = pytest.mark.django_db

EVIL = "<script>alert(1)</script>'\"><img src=x onerror=alert(2)>{{ 7|add:7 }}"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"


def assert_harmless(html: str, where: str) -> None:
    """Tags are text, quotes do not end an attribute, and nothing was read as a template."""
    assert "<script>alert" not in html, where
    assert "<img src=x" not in html, where
    assert "'\">" not in html, where
    assert "alert(2)&gt;14" not in html, where


def shows_it(html: str) -> bool:
    return ESCAPED in html


@pytest.fixture
def evil_shot(project: Project) -> Shot:
    """A shot whose every text holds markup, as do its project's."""
    Project.objects.filter(pk=project.pk).update(name=EVIL[:100], description=EVIL)
    project.refresh_from_db()
    return Shot.objects.create(
        project=project, slug="evil", name=EVIL[:100], description=EVIL, prompt=EVIL
    )


@pytest.fixture
def takes(
    api: Caller, evil_shot: Shot, toon: ModelCard, device: Device, picture: Picture, artist: User
) -> list[Take]:
    """Takes of that shot: finished and in review, decided, failed, running, waiting."""
    Character.objects.create(project=evil_shot.project, slug="eve", name=EVIL[:100], look=EVIL)
    Style.objects.create(slug="evil", name=EVIL[:100], template=EVIL + "{prompt}")
    asked = {"prompt": EVIL, "negative_prompt": EVIL, "project": "harbour", "shot": "evil"}
    made = [
        Take.objects.get(job=api.submit(**asked, character="eve", style="evil")["job_id"])
        for _ in range(5)
    ]
    finished, decided, failed, running, _waiting = made
    for take in (finished, decided):
        picture(take.job)
    for take in (finished, decided):
        reviewing.request_review(Take.objects.get(pk=take.pk), artist, EVIL)
    reviewing.request_changes(decided.reviews.get(), artist, EVIL)
    attempt = lifecycle.start(Job.objects.get(pk=failed.job_id), device)
    assert attempt is not None
    lifecycle.fail(attempt, RenderError(EVIL, EVIL), {})
    assert lifecycle.start(Job.objects.get(pk=running.job_id), device) is not None
    return made


def test_pages_show_markup_as_text(browser: Client, takes: list[Take]) -> None:
    pages = {
        "dashboard": "/",
        "projects": "/projects/",
        "project": "/projects/harbour/",
        "shot": "/projects/harbour/evil/",
        "gallery": "/gallery/",
        "gallery's search": f"/gallery/?words={EVIL}",
        "reviews": "/reviews/",
        "render": "/render/?shot=harbour/evil",
        **{f"take {take.number}": take.get_absolute_url() for take in takes},
        **{f"job {take.number}": f"/jobs/{take.job_id}/" for take in takes},
    }
    for name, path in pages.items():
        answer = browser.get(path)
        assert answer.status_code == 200, name
        html = answer.content.decode()
        assert_harmless(html, name)
        assert shows_it(html), f"{name} does not show the words at all"


def test_the_estimate_of_the_form_shows_markup_as_text(
    browser: Client, toon: ModelCard, project: Project
) -> None:
    asked = {"prompt": EVIL, "quality": EVIL, "priority": EVIL, "width": EVIL, "words": EVIL}

    for path in ("/render/estimate/", "/render/", "/gallery/"):
        assert_harmless(browser.get(path, asked).content.decode(), path)
    assert_harmless(browser.post("/render/", asked).content.decode(), "the refused form")


def test_the_admin_site_shows_markup_as_text(admin_client: Client, takes: list[Take]) -> None:
    shown = 0
    for model in admin.site._registry:
        address = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        lists = admin_client.get(reverse(f"{address}_changelist"))
        assert lists.status_code == 200, model
        html = lists.content.decode()
        assert_harmless(html, f"the list of {model.__name__}")
        shown += shows_it(html)
        for thing in model._default_manager.all()[:3]:
            answer = admin_client.get(reverse(f"{address}_change", args=[thing.pk]))
            assert answer.status_code == 200, model
            assert_harmless(answer.content.decode(), f"the form of {model.__name__}")
    assert shown >= 4, "jobs, takes, shots and projects show what people typed"


def test_pushed_fragments_hold_markup_as_text(
    takes: list[Take], evil_shot: Shot, forecaster: Forecaster
) -> None:
    for take in takes:
        topics = [
            Topic(group) for group in (QUEUE_GROUP, evil_shot.project.group, job_group(take.job_id))
        ]
        pushed = fragments.render_job(forecaster, str(take.job_id), {EventKind.CLAIMED}, topics)
        for topic, parts in pushed.items():
            for name, html in parts.items():
                assert_harmless(html, f"{name} for {topic.group}")
        told = "".join(pushed[topics[2]].values()) + "".join(pushed[topics[1]].values())
        assert shows_it(told)


def test_the_api_answers_markup_as_json_that_no_browser_reads_as_a_page(
    api: Caller, takes: list[Take]
) -> None:
    answers: list[Any] = [
        api.get(JOBS),
        api.get(f"{JOBS}/{takes[2].job_id}"),
        api.post("/api/anime/generate", {"type": "image", "prompt": "x", EVIL: EVIL}),
    ]
    for answer in answers:
        assert answer["Content-Type"] == "application/json; charset=utf-8"
        assert answer["X-Content-Type-Options"] == "nosniff"
    assert answers[1].json()["error"]["message"] == EVIL


def test_pages_allow_no_script_but_our_own(browser: Client, submit: Callable[..., Job]) -> None:
    policy = browser.get("/")["Content-Security-Policy"]

    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
