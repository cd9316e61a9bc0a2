"""A job's history for people: its events, and the time of each stage of its attempts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from generation.live.events import EventKind
from generation.models import Job, JobEvent
from generation.states import Stage

DATABASE_FAILED = "Back in the queue: the database failed"
"""A job that was handed back with an error, not because its worker stopped."""


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One event in words."""

    at: datetime
    text: str
    detail: str


@dataclass(frozen=True, slots=True)
class StageRow:
    """One stage on an attempt's timeline. `offset` and `share` are percent of the attempt."""

    label: str
    seconds: float
    offset: float
    share: float


def lines(job: Job) -> list[HistoryLine]:
    """The job's events in order."""
    resumed = {attempt.number: attempt.resumed_from for attempt in job.attempts.all()}
    return [_line(event, resumed, job.kind_of.unit) for event in job.events.all()]


def timelines(job: Job) -> list[dict[str, Any]]:
    """The attempts that have timings, each with its stages as rows."""
    return [
        {
            "number": attempt.number,
            "device": attempt.device_name,
            "cold": attempt.cold,
            "rows": _rows(list(attempt.timings.all())),
        }
        for attempt in job.attempts.all()
        if attempt.timings.all()
    ]


def _rows(timings: list[Any]) -> list[StageRow]:
    whole = sum(timing.seconds for timing in timings) or 1.0
    rows, before = [], 0.0
    for timing in timings:
        label = Stage(timing.stage).label
        share = 100 * timing.seconds / whole
        rows.append(StageRow(label, timing.seconds, 100 * before / whole, share))
        before += timing.seconds
    return rows


def _line(event: JobEvent, resumed: dict[int, int], unit: str) -> HistoryLine:
    kind, done = EventKind(event.kind), resumed.get(event.data.get("attempt", 0), 0)
    if kind == EventKind.CLAIMED and done:
        return HistoryLine(event.at, f"Resumed after {unit} {done}", _detail(event.data))
    if kind == EventKind.HANDED_BACK and "code" in event.data:
        return HistoryLine(event.at, DATABASE_FAILED, _detail(event.data))
    return HistoryLine(event.at, kind.label, _detail(event.data))


def _detail(data: dict[str, Any]) -> str:
    if "message" in data:
        return str(data["message"])
    if "device" in data:
        attempt = f", attempt {data['attempt']}" if data.get("attempt", 1) > 1 else ""
        kept = f", saved after step {data['saved_steps']}" if data.get("saved_steps") else ""
        return f"on {data['device']}{attempt}{kept}"
    return f"as {data['priority']}" if "priority" in data else ""
