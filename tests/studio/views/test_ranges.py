"""Parts of files: what a Range header asks for, and what a browser is answered."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import AsyncClient, Client, RequestFactory
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from generation.models import Device, Output
from studio.models import ApiToken
from studio.views import ranges
from studio.views.ranges import ByteRange, Unsatisfiable, parse_range
from tests.studio.clips import ball, finish_clip, output_of
from tests.studio.conftest import LogIn, MakeTake

ASKED = """
bytes=0-99             0-99
bytes=0-0              0-0
bytes=900-             900-999
bytes=-100             900-999
bytes=-5000            0-999
bytes=0-5000           0-999
bytes=999-999          999-999
 bytes = 5-9           5-9
BYTES=5-9              5-9
bytes=1000-            unsatisfiable
bytes=1000-2000        unsatisfiable
bytes=-0               unsatisfiable
bytes=9-5              everything
bytes=-                everything
bytes=0-1,5-9          everything
bytes=a-b              everything
bytes=٣-٤              everything
bytes                  everything
seconds=0-9            everything
"""
ROWS = [line.rsplit(maxsplit=1) for line in ASKED.strip("\n").splitlines()]


@pytest.mark.parametrize(("header", "meant"), ROWS)
def test_a_header_asks_of_a_thousand_bytes(header: str, meant: str) -> None:
    if meant == "unsatisfiable":
        with pytest.raises(Unsatisfiable):
            parse_range(header, 1000)
        return
    found = parse_range(header, 1000)
    assert ("everything" if found is None else f"{found.first}-{found.last}") == meant


@given(header=st.from_regex(r"bytes=\d{0,30}-\d{0,30}", fullmatch=True), size=st.integers(0, 2000))
def test_a_part_lies_inside_the_file_whatever_is_asked(header: str, size: int) -> None:
    try:
        part = parse_range(header, size)
    except Unsatisfiable:
        return
    assert part is None or (0 <= part.first <= part.last < size and part.length >= 1)


@pytest.fixture
def clip(queued: MakeTake, device: Device, tmp_path: Path) -> Output:
    return output_of(finish_clip(queued(), device, tmp_path, ball()))


@pytest.fixture
def content(clip: Output) -> bytes:
    with clip.file.open("rb") as stream:
        return bytes(stream.read())


@pytest.fixture
def client(log_in: LogIn, artist: User) -> Client:
    return log_in(artist)


def body(response: object) -> bytes:
    return b"".join(response)  # type: ignore[call-overload]


@pytest.mark.django_db
class TestClip:
    def test_the_whole_clip_says_that_parts_can_be_had(
        self, client: Client, clip: Output, content: bytes
    ) -> None:
        response = client.get(reverse("output", args=[clip.pk]))

        assert (response.status_code, body(response)) == (200, content)
        assert response["Content-Type"] == "video/mp4"
        assert response["Content-Length"] == str(len(content)) == str(clip.bytes)
        assert response["Accept-Ranges"] == "bytes"
        assert response["ETag"] == f'"{clip.sha256}"'

    @pytest.mark.parametrize(
        ("asked", "first", "last"), [("0-", 0, -1), ("100-199", 100, 199), ("-50", -50, -1)]
    )
    def test_a_part_of_it(
        self, asked: str, first: int, last: int, client: Client, clip: Output, content: bytes
    ) -> None:
        response = client.get(
            reverse("output", args=[clip.pk]), headers={"Range": f"bytes={asked}"}
        )

        size = len(content)
        first, last = first % size, last % size
        assert (response.status_code, body(response)) == (206, content[first : last + 1])
        assert response["Content-Range"] == f"bytes {first}-{last}/{size}"
        assert response["Content-Length"] == str(last - first + 1)
        assert response["Cache-Control"].startswith("private")

    def test_a_part_that_is_larger_than_a_chunk(
        self, client: Client, clip: Output, content: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ranges, "CHUNK_BYTES", 7)
        response = client.get(reverse("output", args=[clip.pk]), headers={"Range": "bytes=3-99"})

        assert body(response) == content[3:100]

    def test_behind_the_end_there_is_nothing(self, client: Client, clip: Output) -> None:
        address = reverse("output", args=[clip.pk])
        response = client.get(address, headers={"Range": f"bytes={clip.bytes}-"})

        assert response.status_code == 416
        assert response["Content-Range"] == f"bytes */{clip.bytes}"

    def test_several_parts_are_answered_with_everything(
        self, client: Client, clip: Output, content: bytes
    ) -> None:
        address = reverse("output", args=[clip.pk])
        response = client.get(address, headers={"Range": "bytes=0-1,4-5"})

        assert (response.status_code, body(response)) == (200, content)

    @pytest.mark.parametrize(
        ("wanted", "status"),
        [
            ('"{sha}"', 206),
            ('W/"{sha}"', 200),
            ('"another"', 200),
            ("Sat, 29 Oct 1994 19:43:31 GMT", 200),
        ],
    )
    def test_if_range_gives_a_part_of_the_same_content_alone(
        self, wanted: str, status: int, client: Client, clip: Output
    ) -> None:
        headers = {"Range": "bytes=0-9", "If-Range": wanted.format(sha=clip.sha256)}
        response = client.get(reverse("output", args=[clip.pk]), headers=headers)

        assert response.status_code == status

    @pytest.mark.parametrize("extra", [{}, {"Range": "bytes=0-9"}])
    def test_who_has_it_already_is_sent_nothing(
        self, extra: dict[str, str], client: Client, clip: Output
    ) -> None:
        headers = {"If-None-Match": f'"{clip.sha256}"', **extra}
        response = client.get(reverse("output", args=[clip.pk]), headers=headers)

        assert (response.status_code, response.content) == (304, b"")
        assert response["ETag"] == f'"{clip.sha256}"'
        assert "immutable" in response["Cache-Control"]

    def test_a_condition_that_fails_is_told(self, client: Client, clip: Output) -> None:
        address = reverse("output", args=[clip.pk])

        assert client.get(address, headers={"If-Match": '"another"'}).status_code == 412

    def test_head_tells_the_size_and_knows_no_parts(self, client: Client, clip: Output) -> None:
        address = reverse("output", args=[clip.pk])
        response = client.head(address, headers={"Range": "bytes=0-9"})

        assert (response.status_code, response.content) == (200, b"")
        assert response["Content-Length"] == str(clip.bytes)
        assert response["Accept-Ranges"] == "bytes"

    def test_a_stranger_gets_no_part_and_no_size(
        self, log_in: LogIn, stranger: User, clip: Output
    ) -> None:
        address = reverse("output", args=[clip.pk])
        for asked in ("bytes=0-9", f"bytes={clip.bytes}-"):
            response = log_in(stranger).get(address, headers={"Range": asked})
            assert response.status_code == 404
            assert "Content-Range" not in response

    def test_a_script_gets_a_part_by_its_token(self, artist: User, clip: Output) -> None:
        _, secret = ApiToken.issue(artist, "script")
        headers = {"Authorization": f"Bearer {secret}", "Range": "bytes=0-9"}
        response = Client(headers=headers).get(reverse("output", args=[clip.pk]))

        assert response.status_code == 206

    def test_the_file_is_closed_whether_it_was_read_or_not(self, clip: Output) -> None:
        request = RequestFactory().get("/")
        response = ranges.file_response(
            request, clip.file, media_type="video/mp4", etag='"x"', headers={}
        )
        response.close()

        assert clip.file.closed


@pytest.mark.django_db
def test_a_storage_without_a_disk_sends_parts_too(
    settings: Any, queued: MakeTake, device: Device, tmp_path: Path, log_in: LogIn, artist: User
) -> None:
    memory = {"BACKEND": "django.core.files.storage.InMemoryStorage"}
    settings.STORAGES = {**settings.STORAGES, "default": memory}
    clip = output_of(finish_clip(queued(), device, tmp_path, ball()))
    address = reverse("output", args=[clip.pk])

    response = log_in(artist).get(address, headers={"Range": "bytes=4-7"})
    assert (response.status_code, body(response)) == (206, b"ftyp")
    clip.file.storage.delete(clip.file.name)
    assert log_in(artist).get(address).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_under_asgi_it_comes_in_chunks_of_bounded_size(
    clip: Output, content: bytes, artist: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "CHUNK_BYTES", 100)
    client = AsyncClient()
    client.force_login(artist)

    async def fetch() -> list[bytes]:
        response = await client.get(reverse("output", args=[clip.pk]))
        return [chunk async for chunk in response]  # type: ignore[attr-defined]

    chunks = asyncio.run(fetch())

    assert b"".join(chunks) == content
    assert {len(chunk) for chunk in chunks[:-1]} == {100}


def test_a_range_counts_both_ends() -> None:
    assert ByteRange(0, 0).length == 1
