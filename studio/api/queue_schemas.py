"""The shapes of the queue: what waits, what is on hold, and the devices."""

from datetime import datetime
from typing import Literal

from ninja import Schema

from studio.api.schemas import PriorityWord, WorkWord

PauseWord = Literal["", "after_job", "at_once"]


class WaitingOut(Schema):
    """A job in the queue. Its id is told only to those who may see it."""

    position: int
    job_id: str | None
    owner: str
    type: str
    quality: str
    work: WorkWord
    priority: PriorityWord
    device: str | None
    estimated_start: datetime | None
    estimated_finish: datetime | None
    estimated_seconds: float | None
    saved_steps: int
    why: str
    why_codes: list[str]


class HeldOut(Schema):
    """A job that waits until somebody releases it."""

    job_id: str | None
    owner: str
    type: str
    quality: str
    work: WorkWord
    priority: PriorityWord
    held_at: datetime
    saved_steps: int


class SetAsideOut(Schema):
    """Why the worker of a device is not started again before `until`."""

    code: str
    message: str
    until: datetime


class DeviceOut(Schema):
    """A device and what it does; of several jobs in one batch it names the first."""

    name: str
    kind: str
    label: str
    state: Literal["online", "paused", "away"]
    set_aside: SetAsideOut | None
    pause: PauseWord
    works: list[WorkWord]
    memory_bytes: int
    free_bytes: int | None
    resident: list[str]
    batch_size: int
    job_id: str | None
    progress: float | None


class QueueOut(Schema):
    """The whole queue, next first, what is on hold, and the devices that work it off."""

    waiting: list[WaitingOut]
    held: list[HeldOut]
    devices: list[DeviceOut]
