"""Output files: fetched by those who may see their job, and by nobody else."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from PIL import Image

from generation.models import Job, Output
from tests.contract.asking import Caller
from tests.contract.conftest import REMOTE, Picture

pytestmark = pytest.mark.django_db

Remote = Callable[[User | None], Caller]


@pytest.fixture
def output(submit: Callable[..., Job], picture: Picture) -> Output:
    """A finished picture of the artist's."""
    return picture(submit())


@pytest.fixture
def paths(api: Caller, output: Output) -> list[str]:
    """Where the status says that the picture and its thumbnail are."""
    (file,) = api.job(output.job_id)["outputs"]
    return [urlsplit(file[name]).path for name in ("url", "thumbnail_url")]


def content_of(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def test_the_file_is_what_the_status_says(api: Caller, output: Output, paths: list[str]) -> None:
    answer = api.get(paths[0])

    content = content_of(answer)
    assert answer["Content-Type"] == output.media_type == "image/png"
    assert len(content) == output.bytes
    assert hashlib.sha256(content).hexdigest() == output.sha256
    with Image.open(BytesIO(content)) as image:
        assert image.size == (output.width, output.height) == (128, 128)


def test_the_thumbnail_is_a_small_webp(api: Caller, paths: list[str]) -> None:
    answer = api.get(paths[1])

    assert answer["Content-Type"] == "image/webp"
    with Image.open(BytesIO(content_of(answer))) as image:
        assert image.format == "WEBP"


def test_a_token_a_session_and_this_machine_may_fetch(
    api: Caller, remote: Remote, artist: User, browser: Client, paths: list[str]
) -> None:
    for path in paths:
        assert api.get(path).status_code == 200
        assert remote(artist).get(path).status_code == 200
        assert browser.get(path, REMOTE_ADDR=REMOTE).status_code == 200


def test_strangers_may_not_fetch(
    remote: Remote, stranger: User, reviewer: User, paths: list[str]
) -> None:
    session = Client()
    session.force_login(stranger)
    for path in paths:
        assert remote(None).get(path).status_code == 401
        assert Caller().get(path, authorization="Bearer wrong").status_code == 401
        assert Caller().get(path, origin="https://evil.example").status_code == 401
        assert remote(stranger).get(path).status_code == 404
        assert session.get(path).status_code == 404
        assert remote(reviewer).get(path).status_code == 404, "a sketch is its owner's alone"


def test_browsers_keep_a_file_for_themselves(api: Caller, paths: list[str]) -> None:
    for path in paths:
        assert api.get(path)["Cache-Control"] == "private, max-age=86400, immutable"
        assert api.get(path)["X-Content-Type-Options"] == "nosniff"


def test_an_unknown_file_is_not_found(api: Caller, output: Output) -> None:
    assert api.get(f"/outputs/{uuid4()}/").status_code == 404
    assert api.get("/outputs/7/").status_code == 404
    output.file.storage.delete(output.file.name)
    assert api.get(f"/outputs/{output.pk}/").status_code == 404


def test_a_file_can_only_be_read(api: Caller, paths: list[str]) -> None:
    assert api.post(paths[0], {}).status_code in (403, 405)
    assert api.client.head(paths[0]).status_code == 200
