"""Stored files as HTTP responses: complete, in part, or 304 (RFC 9110).

Browsers request ranges of a clip to seek in it without fetching all of it. Any storage works: a
file only has to open, seek and report its size.
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
    """The requested range is outside the file."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes of a file from `first` to `last`, inclusive."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """The number of bytes."""
        return self.last - self.first + 1


def parse_range(header: str, size: int) -> ByteRange | None:
    """The single range of a Range header for a file of `size` bytes; None to send everything.

    Several ranges, other units and invalid headers also give None, as section 14.2 allows. Raises
    Unsatisfiable for a range that begins after the end of the file or is empty.
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
    """The response to a request with Range and conditional headers: 200, 206, 304, 412 or 416.

    `etag` is quoted and strong: it changes whenever a byte does. Each response has `headers`.
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
    """Sends the bytes of an open file in chunks, also under ASGI.

    Django's own response would read all of a synchronous iterator into memory under ASGI.
    """

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = iter(self)
        read = sync_to_async(lambda: next(chunks, b""))
        while chunk := await read():
            yield chunk


class _Slice:
    """Chunks of a file. Closing it closes the file, even if nothing was read."""

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
        """Called by Django when the response is sent or the client has disconnected."""
        self._file.close()


def _asked_range(request: HttpRequest, etag: str, size: int) -> ByteRange | None:
    """The range to send, or None. Only GET supports ranges, and If-Range must match the ETag.

    The response has no Last-Modified header, so a date in If-Range never matches.
    """
    header = request.headers.get("Range", "")
    if request.method != "GET" or request.headers.get("If-Range", etag).strip() != etag:
        return None
    return parse_range(header, size)


def _from(first: int, last: int, size: int) -> ByteRange:
    if first >= size:
        raise Unsatisfiable(f"The file has {size} bytes.")
    return ByteRange(first, last)
