"""A database that is locked and a disk that is full: every caller is told so and may come again."""

from __future__ import annotations

import errno
import html
from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from generation.models import Job
from studio.ordering import submission
from tests.contract.asking import GENERATE, JOBS, Caller
from tests.contract.conftest import Rows
from tests.locking import OtherProgram, other_program

pytestmark = pytest.mark.django_db(transaction=True)

ASKED = {"type": "image", "prompt": "1girl, short pink hair"}


@pytest.fixture
def locked(api: Caller, toon: object, shot: object) -> Iterator[OtherProgram]:
    """Another program holds the database from now on."""
    with other_program() as program:
        program.lock()
        yield program


@pytest.fixture
def full(api: Caller, toon: object, shot: object) -> Iterator[None]:
    """The database finds no room for another page."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA page_count")
        (pages,) = cursor.fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
        cursor.execute("PRAGMA freelist_count")
    yield
    connection.close()


def no_room(*_: object) -> None:
    """What a full disk says; the one of this machine has room."""
    raise OSError(errno.ENOSPC, "No space left on device")


def told(answer: HttpResponse) -> str:
    """The code of an answer 503, which says when to come again."""
    assert answer.status_code == 503, answer.content
    assert int(answer["Retry-After"]) > 0
    if answer["Content-Type"] == "application/json":
        body = answer.json()
        assert body.keys() == {"detail", "code"}
        assert body["detail"]
        return str(body["code"])
    return answer.content.decode().split('data-code="')[1].split('"')[0]


@pytest.mark.usefixtures("locked")
def test_a_submit_is_answered_as_json_while_the_database_is_locked(
    api: Caller, rows: Callable[[], Rows]
) -> None:
    before = rows()

    assert told(api.post(GENERATE, ASKED)) == "database_unavailable"

    assert rows() == before


def test_a_change_of_a_job_is_answered_as_json(api: Caller, submit: Callable[..., Job]) -> None:
    job = submit()
    with other_program() as program:
        program.lock()
        assert told(api.post(f"{JOBS}/{job.pk}/cancel")) == "database_unavailable"
        assert told(api.patch(f"{JOBS}/{job.pk}", {"priority": "high"})) == "database_unavailable"
        program.release()
        assert api.post(f"{JOBS}/{job.pk}/cancel").json()["status"] == "cancelled"


def test_what_was_typed_is_kept_on_the_page_that_says_so(
    browser: Client, locked: OtherProgram
) -> None:
    typed = {"type": "image", "prompt": "harbour </textarea><b> & “fog”", "quality": "draft"}

    answer = browser.post("/render/", {**typed, "priority": 2, "interpolate": 1, "upscale": 1})

    assert told(answer) == "database_unavailable"
    page = answer.content.decode()
    assert f'<textarea name="prompt" hidden>\n{html.escape(typed["prompt"])}</textarea>' in page
    assert 'action="/render/"' in page
    assert "<b>" not in page


def test_a_page_that_cannot_be_changed_by_htmx_is_told_why(
    browser: Client, submit: Callable[..., Job]
) -> None:
    job = submit()
    with other_program() as program:
        program.lock()
        address = f"/jobs/{job.pk}/cancel/"
        answer = browser.post(address, headers={"HX-Request": "true"})

    assert told(answer) == "database_unavailable"
    assert answer["Content-Type"] == "application/json"


def test_a_login_is_told_why_and_its_password_is_not_repeated(
    artist: User, locked: OtherProgram
) -> None:
    answer = Client().post("/login/", {"username": "artist", "password": "artist"})

    assert told(answer) == "database_unavailable"
    assert b"<form" not in answer.content
    assert b'href="/login/"' in answer.content


def test_a_disk_that_is_full_during_the_upload_is_no_fault_of_the_program(
    artist: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check of the form's token reads the form, before any view."""
    person = Client(enforce_csrf_checks=True, raise_request_exception=False)
    person.force_login(artist)
    person.cookies["genga_csrf"] = "x" * 32
    monkeypatch.setattr(TemporaryFileUploadHandler, "receive_data_chunk", no_room)
    picture = SimpleUploadedFile("big.png", b"0" * 3_000_000)

    answer = person.post("/render/", {"prompt": "1girl", "source": picture})

    assert told(answer) == "disk_full"


@pytest.mark.usefixtures("full")
def test_a_submit_is_told_that_the_disk_is_full(api: Caller) -> None:
    codes = set()
    for _ in range(200):
        answer = api.post(GENERATE, ASKED)
        if answer.status_code != 202:
            codes.add(told(answer))
            break

    assert codes == {"disk_full"}


def test_a_full_disk_anywhere_is_told(
    api: Caller, toon: object, monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.setattr(submission, "submit", no_room)

    assert told(api.post(GENERATE, ASKED)) == "disk_full"


@pytest.mark.usefixtures("toon")
def test_another_error_is_no_reason_to_come_again(
    api: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise FileNotFoundError("of a library")

    monkeypatch.setattr(submission, "submit", broken)

    assert api.post(GENERATE, ASKED).status_code == 500
