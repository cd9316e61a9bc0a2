"""Stored files as HTTP answers: whole, in part, or "you have it already" (RFC 9110).

Browsers ask for parts of a clip to seek in it without fetching all of it. Any storage will do:
a file only has to open, seek and tell its size.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from asgiref.sync import sync_to_async
from django.core.files.base import File
from django.db.models.fields.files import FieldFile
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.cache import get_conditional_response

CHUNK_BYTES = 256 * 1024

_ONE_RANGE = re.compile(r"\s*bytes\s*=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.IGNORECASE)


class Unsatisfiable(ValueError):
    """The range asked for lies outside the file."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes of a file, from `first` to `last`, both included."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """How many bytes they are."""
        return self.last - self.first + 1


def parse_range(header: str, size: int) -> ByteRange | None:
    """The one range that a Range header asks of `size` bytes; None: send everything.

    Everything is also the answer to several ranges, to other units and to nonsense, as section
    14.2 allows. Raises Unsatisfiable for a range that begins behind the end or asks for nothing.
    """
    found = _ONE_RANGE.fullmatch(header)
    if found is None or found[1] == found[2] == "":
        return None
    if not found[1]:
        return _from(max(0, size - int(found[2])), size - 1, size)
    first = int(found[1])
    last = int(found[2]) if found[2] else size - 1
    return None if found[2] and last < first else _from(first, min(last, size - 1), size)


def file_response(
    request: HttpRequest, file: FieldFile, *, media_type: str, etag: str, headers: dict[str, str]
) -> HttpResponseBase:
    """The file, or what the request's Range and conditions make of it: 200, 206, 304, 412 or 416.

    `etag` is quoted and strong: it changes whenever a byte does. `headers` go onto every answer.
    Raises FileNotFoundError for a file that is not in the storage.
    """
    common = {**headers, "Accept-Ranges": "bytes", "ETag": etag}
    answer = get_conditional_response(request, etag=etag, response=HttpResponse(headers=common))
    if answer is not None and answer.status_code != 200:
        return answer
    size = file.size
    try:
        part = _asked_range(request, etag, size)
    except Unsatisfiable:
        return HttpResponse(status=416, headers={**common, "Content-Range": f"bytes */{size}"})
    status, sent = (200, ByteRange(0, size - 1)) if part is None else (206, part)
    common |= {"Content-Type": media_type, "Content-Length": str(sent.length)}
    if part is not None:
        common["Content-Range"] = f"bytes {part.first}-{part.last}/{size}"
    if request.method == "HEAD":
        return HttpResponse(headers=common)
    return SliceResponse(_Slice(file.open("rb"), sent), status=status, headers=common)


class SliceResponse(StreamingHttpResponse):
    """Sends an open file's bytes chunk by chunk, under ASGI too.

    Django would read all of a synchronous iterator into memory there.
    """

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = iter(self)
        read = sync_to_async(lambda: next(chunks, b""))
        while chunk := await read():
            yield chunk


class _Slice:
    """Chunks of a file; closing it closes the file, whether or not it was read."""

    def __init__(self, file: File[bytes], part: ByteRange) -> None:
        self._file, self._left = file, part.length
        file.seek(part.first)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk: bytes = self._file.read(min(CHUNK_BYTES, self._left))
        self._left -= len(chunk)
        if not chunk:
            raise StopIteration
        return chunk

    def close(self) -> None:
        """Called by Django when the answer is sent or the client has gone."""
        self._file.close()


def _asked_range(request: HttpRequest, etag: str, size: int) -> ByteRange | None:
    """Only GET knows ranges; If-Range asks for a part of exactly this content, else for all.

    We tell no modification date, so a date in If-Range never matches.
    """
    header = request.headers.get("Range", "")
    if request.method != "GET" or request.headers.get("If-Range", etag).strip() != etag:
        return None
    return parse_range(header, size)


def _from(first: int, last: int, size: int) -> ByteRange:
    if first >= size:
        raise Unsatisfiable(f"The file has {size} bytes.")
    return ByteRange(first, last)
