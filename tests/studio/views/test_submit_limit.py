"""A person's submits are counted together, from pages and through the API."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.core.cache import cache
from django.test import override_settings
from django.urls import reverse

from generation.models import Device, Job, ModelCard
from generation.states import Priority
from studio.models import ApiToken
from tests.studio.conftest import LogIn, MakeTake

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _two_submits(settings: Any) -> Iterator[None]:
    settings.GENGA_SUBMIT_RATE = "2/min"
    cache.clear()
    yield
    cache.clear()


def submit_by_token(log_in: LogIn, user: User) -> None:
    _, token = ApiToken.issue(user, "test")
    asked = json.dumps({"type": "image", "prompt": "1girl"})
    sent = log_in(user).post(
        "/api/anime/generate",
        asked,
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert sent.status_code == 202


@pytest.fixture
def form(toon: ModelCard) -> dict[str, str]:
    normal = str(int(Priority.NORMAL))
    return {"type": "image", "prompt": "1girl", "quality": "draft", "priority": normal}


def test_the_render_form_keeps_what_was_typed_when_there_were_too_many_submits(
    artist: User, log_in: LogIn, form: dict[str, str], device: Device
) -> None:
    submit_by_token(log_in, artist)
    assert log_in(artist).post("/render/", form).status_code == 302

    refused = log_in(artist).post("/render/", {**form, "prompt": "a long prompt"})

    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0
    (error,) = refused.context["form"].errors.as_data()["__all__"]
    assert error.code == "too_many_submits"
    assert "a long prompt" in refused.content.decode()
    assert Job.objects.count() == 2


def test_a_wrong_form_is_no_submit(artist: User, log_in: LogIn, form: dict[str, str]) -> None:
    for _ in range(3):
        log_in(artist).post("/render/", {**form, "prompt": ""})

    assert log_in(artist).post("/render/", form).status_code == 302


@pytest.mark.parametrize(
    ("button", "typed"), [("job-clone", {}), ("take-enhance", {"interpolate": 1, "upscale": 2})]
)
def test_clones_and_enhancements_are_limited_too(
    button: str,
    typed: dict[str, int],
    artist: User,
    finished: MakeTake,
    log_in: LogIn,
) -> None:
    take = finished()
    key = take.job_id if button == "job-clone" else take.pk
    client = log_in(artist)
    for _ in range(2):
        submit_by_token(log_in, artist)

    refused = client.post(reverse(button, args=[key]), typed)

    assert refused.status_code == 302
    assert [said.extra_tags for said in get_messages(refused.wsgi_request)] == ["too_many_submits"]
    assert Job.objects.count() == 3


@pytest.fixture
def redis_is_away() -> Iterator[None]:
    """The count of submits is in a Redis at whose port nothing listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        caches = {
            "default": {
                "BACKEND": "django.core.cache.backends.redis.RedisCache",
                "LOCATION": f"redis://127.0.0.1:{taken.getsockname()[1]}/0",
            }
        }
        with override_settings(CACHES=caches):
            yield


@pytest.mark.usefixtures("redis_is_away")
def test_submits_go_on_while_their_count_cannot_be_read(
    artist: User,
    log_in: LogIn,
    form: dict[str, str],
    device: Device,
    caplog: pytest.LogCaptureFixture,
) -> None:
    submit_by_token(log_in, artist)
    assert log_in(artist).post("/render/", form).status_code == 302

    assert Job.objects.count() == 2
    told = [line for line in caplog.records if line.name == "studio.accounts.authentication"]
    assert [line.levelname for line in told] == ["ERROR", "ERROR"]
