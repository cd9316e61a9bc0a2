"""Asking the API as a script would, and holding its answers to the contract's words and types."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.test import Client

GENERATE = "/api/anime/generate"
ESTIMATE = "/api/anime/estimate"
JOBS = "/api/anime/jobs"
QUEUE = "/api/anime/queue"

IN_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@dataclass
class Caller:
    """A script: where it calls from, and its token if it has one."""

    address: str = "127.0.0.1"
    token: str | None = None
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> HttpResponse:
        return self.client.get(path, query, **self._meta(headers))

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """`body` as JSON, or as it is when it is text or bytes."""
        return self._send("POST", path, body, headers)

    def patch(self, path: str, body: Any, **headers: str) -> HttpResponse:
        return self._send("PATCH", path, body, headers)

    def submit(self, **fields: Any) -> dict[str, Any]:
        """Submit a picture that must be accepted; the answer."""
        answer = self.post(GENERATE, {"type": "image", "prompt": "1girl", **fields})
        assert answer.status_code == 202, answer.content
        return answer.json()

    def job(self, job_id: object) -> dict[str, Any]:
        """A job's status, which must be there."""
        answer = self.get(f"{JOBS}/{job_id}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> HttpResponse:
        content_type = headers.pop("content_type", "application/json")
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        # Django's client declares no type for an empty body, but scripts do.
        meta = {"CONTENT_TYPE": content_type, **self._meta(headers)}
        return self.client.generic(method, path, data, content_type, **meta)

    def _meta(self, headers: dict[str, str]) -> dict[str, str]:
        known = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        if self.token is not None:
            known.setdefault("HTTP_AUTHORIZATION", f"Bearer {self.token}")
        return {"REMOTE_ADDR": self.address, **known}


class Shape:
    """What an object of the contract holds: each field's name with the types it may have.

    A type is a Python type (exactly: true is no int), a list of one shape for a list, None, or
    one of the words "id", "time" (ISO 8601 in UTC) and "url" for texts of that form.
    """

    def __init__(self, /, **fields: Any) -> None:
        self.fields = fields

    def check(self, value: Any, where: str = "the answer") -> None:
        """Fail with the place of the first thing that is not as the contract says."""
        assert isinstance(value, dict), f"{where} is {value!r}"
        missing = self.fields.keys() - value.keys()
        assert not missing, f"{where} misses {sorted(missing)}"
        unknown = value.keys() - self.fields.keys()
        assert not unknown, f"{where} has the undescribed {sorted(unknown)}"
        for name, allowed in self.fields.items():
            kinds = allowed if isinstance(allowed, tuple) else (allowed,)
            problem = f"{where}.{name} is {value[name]!r}, not {kinds}"
            assert any(_is(value[name], kind, f"{where}.{name}") for kind in kinds), problem


def _is(value: Any, kind: Any, where: str) -> bool:
    if isinstance(kind, Shape):
        if isinstance(value, dict):
            kind.check(value, where)
        return isinstance(value, dict)
    if isinstance(kind, list):
        items = value if isinstance(value, list) else None
        return items is not None and all(_is(item, kind[0], f"{where}[]") for item in items)
    if kind is None:
        return value is None
    if isinstance(kind, str):
        return type(value) is str and _FORMS[kind](value)
    return type(value) is kind


def _is_id(text: str) -> bool:
    return str(UUID(text)) == text


_FORMS = {
    "id": _is_id,
    "time": lambda text: IN_UTC.fullmatch(text) is not None,
    "url": lambda text: re.match(r"(https?|wss?)://[^/]+/", text) is not None,
}

LINKS = Shape(self="url", cancel="url", web="url", websocket="url")

REASON = Shape(code=str, chosen=str, why=str)
EXPECTATION = {
    "queue_position": int,
    "estimated_seconds": (float, None),
    "estimated_range": ([float], None),
    "estimated_time": str,
    "estimated_start": ("time", None),
    "quality": str,
    "message": str,
    "suggestion": (str, None),
    "reasons": [REASON],
}
ESTIMATED = Shape(**EXPECTATION)
ACCEPTED = Shape(**EXPECTATION, job_id="id", status=str, progress=float, seed=int, links=LINKS)

ATTEMPT = Shape(
    number=int,
    device=str,
    started_at="time",
    finished_at=("time", None),
    outcome=str,
    resumed_from=int,
    batch_size=int,
    lowered=[dict],
)
OUTPUT = Shape(
    id="id",
    url="url",
    thumbnail_url=("url", None),
    strip_url=("url", None),
    kind=str,
    media_type=str,
    width=int,
    height=int,
    frames=int,
    fps=(float, None),
    bytes=int,
    sha256=str,
    consistency=(dict, None),
)
STATUS = Shape(
    job_id="id",
    type=str,
    status=str,
    progress=float,
    stage=str,
    frames_complete=int,
    frames_total=int,
    steps_complete=int,
    steps_total=int,
    estimated_remaining=str,
    estimated_remaining_seconds=(float, None),
    submitted_at="time",
    started_at=("time", None),
    finished_at=("time", None),
    gpu_queue_position=(int, None),
    held=bool,
    saved_steps=int,
    work=str,
    device=(str, None),
    device_away=(Shape(code=str, message=str, since=("time", None)), None),
    priority=str,
    quality=str,
    cancel_requested=bool,
    seed=int,
    reasons=[REASON],
    attempts=[ATTEMPT],
    outputs=[OUTPUT],
    error=(Shape(code=str, message=str, hint=str), None),
)
PAGE = Shape(
    jobs=[STATUS], next=(str, None), page=(int, None), pages=(int, None), total=(int, None)
)
IN_QUEUE = {
    "job_id": ("id", None),
    "owner": str,
    "type": str,
    "quality": str,
    "work": str,
    "priority": str,
    "saved_steps": int,
}
QUEUED = Shape(
    **IN_QUEUE,
    position=int,
    device=(str, None),
    estimated_start=("time", None),
    estimated_finish=("time", None),
    estimated_seconds=(float, None),
    why=str,
    why_codes=[str],
)
HELD = Shape(**IN_QUEUE, held_at="time")
DEVICE = Shape(
    name=str,
    kind=str,
    label=str,
    state=str,
    set_aside=(Shape(code=str, message=str, until="time"), None),
    pause=str,
    works=[str],
    memory_bytes=int,
    free_bytes=(int, None),
    resident=[str],
    batch_size=int,
    job_id=("id", None),
    progress=(float, None),
)
BOARD = Shape(waiting=[QUEUED], held=[HELD], devices=[DEVICE])
CANCELLED = Shape(cancelled=["id"], unchanged=["id"])
PROBLEMS = Shape(detail=str, errors=[Shape(field=str, code=str, message=str, allowed=str)])
