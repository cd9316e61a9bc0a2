"""Who is here, what runs and who had how much: in SQL, because every claim asks it.

Here the ORM takes longer to write the queries than the database to answer them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection

from generation.models import Device
from generation.models.device_time import HALF_LIFE_SECONDS

RUNS = """
SELECT job.device_id, job.owner_id, job.started_at, job.predicted_seconds,
    progress.remaining_seconds, progress.updated_at
FROM generation_job AS job JOIN generation_progress AS progress ON progress.job_id = job.id
WHERE job.status = 'processing'
"""
DEVICES = "SELECT * FROM generation_device ORDER BY name"
HAD = "SELECT owner_id, seconds, as_of FROM generation_devicetime"


@dataclass(frozen=True, slots=True)
class Run:
    """One job that runs. Moments are seconds since the epoch, lengths seconds, None if unknown."""

    device_id: int | None
    owner_id: int
    started: float | None
    predicted: float | None
    remaining: float | None
    told: float

    def end(self, now: float) -> float | None:
        """When it is done; None when nobody can tell: a run may outlive its estimate."""
        if self.remaining is not None:
            end = self.told + self.remaining
        elif self.predicted is not None and self.started is not None:
            end = self.started + self.predicted
        else:
            return None
        return end if end > now else None


def seconds(moment: datetime | str) -> float:
    """A database's moment in seconds since the epoch; SQLite keeps moments as text, in UTC."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return moment.replace(tzinfo=UTC).timestamp()


def online(now: datetime) -> list[Device]:
    """Devices that are here and take work."""
    latest = Device.oldest_heartbeat(now)
    return [
        device
        for device in Device.objects.raw(DEVICES)
        if not device.is_paused and device.heartbeat_at and device.heartbeat_at > latest
    ]


def runs() -> list[Run]:
    """Everything that runs."""
    with connection.cursor() as cursor:
        cursor.execute(RUNS)
        return [
            Run(
                device,
                owner,
                seconds(started) if started else None,
                predicted,
                remaining,
                seconds(told),
            )
            for device, owner, started, predicted, remaining, told in cursor.fetchall()
        ]


def device_time(now: float, running: list[Run]) -> dict[int, float]:
    """Seconds that each person had lately, fading, what runs at this moment included."""
    with connection.cursor() as cursor:
        cursor.execute(HAD)
        had = {
            owner: length * 0.5 ** (max(0.0, now - seconds(as_of)) / HALF_LIFE_SECONDS)
            for owner, length, as_of in cursor.fetchall()
        }
    for run in running:
        if run.started is not None:
            had[run.owner_id] = had.get(run.owner_id, 0.0) + max(0.0, now - run.started)
    return had
