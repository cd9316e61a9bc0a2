"""The state of the queue as plain data: devices, running jobs, device time and run times.

The queries of every claim are written in SQL, because the ORM takes longer to build them than the
database takes to answer them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from django.conf import settings
from django.db import connection

from generation.estimating.estimator import Estimator
from generation.models import Device
from generation.models.device_time import faded
from generation.scheduling import placement
from generation.scheduling.assignment import Lane
from generation.scheduling.policy import WaitingJob, WaitingLine, alike
from generation.scheduling.preemption import yields_to_all

RUNS = """
SELECT job.device_id, job.owner_id, job.started_at, job.estimated_seconds,
    attempt.run_seconds, progress.remaining_seconds, progress.updated_at, job.priority,
    job.pinned_to_id, job.preemptions
FROM generation_job AS job JOIN generation_progress AS progress ON progress.job_id = job.id
LEFT JOIN generation_attempt AS attempt
    ON attempt.job_id = job.id AND attempt.number = job.attempt_number
WHERE job.status = 'processing'
"""
DEVICES = "SELECT * FROM generation_device ORDER BY name"
HAD = "SELECT owner_id, seconds, as_of FROM generation_devicetime"


@dataclass(frozen=True, slots=True)
class RunningJob:
    """A running job. Times are seconds since the epoch, durations seconds; None if unknown.

    `ran` is how long it had run at its last heartbeat, by a clock that nobody sets.
    `told` is the time of the last progress report, which gave `remaining`. `yields_to_all`: the job
    is a calibration that is interrupted as soon as its device takes another job.
    """

    device_id: int | None
    owner_id: int
    started: float | None
    estimated: float | None
    ran: float | None
    remaining: float | None
    told: float
    yields_to_all: bool

    def end(self, now: float) -> float | None:
        """The time at which it ends; None if unknown, as when it takes longer than estimated."""
        if self.remaining is not None:
            end = self.told + self.remaining
        elif self.estimated is not None and self.started is not None:
            end = self.started + self.estimated
        else:
            return None
        return end if end > now else None


def seconds(moment: datetime | str) -> float:
    """Convert a database time to seconds since the epoch; SQLite stores times as UTC text."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return moment.replace(tzinfo=UTC).timestamp()


def online(now: datetime) -> list[Device]:
    """The devices that are online and not paused."""
    latest = Device.oldest_heartbeat(now)
    return [
        device
        for device in Device.objects.raw(DEVICES)
        if not device.is_paused and device.heartbeat_at and device.heartbeat_at > latest
    ]


def runs() -> list[RunningJob]:
    """All running jobs."""
    with connection.cursor() as cursor:
        cursor.execute(RUNS)
        return [
            RunningJob(
                device,
                owner,
                seconds(started) if started else None,
                estimated,
                ran,
                remaining,
                seconds(told),
                yields_to_all(*job),
            )
            for device, owner, started, estimated, ran, remaining, told, *job in cursor.fetchall()
        ]


def device_time(now: float, running: list[RunningJob]) -> dict[int, float]:
    """The recent seconds of each owner, with decay, including jobs that run now."""
    with connection.cursor() as cursor:
        cursor.execute(HAD)
        had = {
            owner: faded(length, now - seconds(as_of)) for owner, length, as_of in cursor.fetchall()
        }
    for run in running:
        ran = run.ran
        if ran is None and run.started is not None:
            ran = max(0.0, now - run.started)
        had[run.owner_id] = had.get(run.owner_id, 0.0) + (ran or 0.0)
    return had


def line(
    jobs: Iterable[WaitingJob],
    now: datetime,
    running: list[RunningJob],
    times: RunTimes | None = None,
) -> WaitingLine:
    """The jobs in the policy's order, by the device time of their owners until now."""
    moment = now.timestamp()
    had = device_time(moment, running)
    cost = times.typical if times else alike
    return WaitingLine(jobs, had, moment, ageing_seconds(), cost)


def ageing_seconds() -> float:
    """How long a job waits before it rises one level."""
    return float(settings.GENGA_AGEING_MINUTES) * 60.0


class RunTimes:
    """Run and load times by shape and device, for many jobs at one moment."""

    def __init__(self, devices: Iterable[Device], estimator: Estimator) -> None:
        estimator.speeds.refresh()
        self._estimator = estimator
        self._devices = list(devices)
        self._typical: dict[str, float] = {}

    def run(self, device: Device, job: WaitingJob) -> float | None:
        """Estimated seconds of a job on a device without loading; None without evidence."""
        return self._estimator.speeds.warm_seconds(device, job.shape)

    def load(self, device: Device, job: WaitingJob) -> float | None:
        """Estimated seconds of loading the job's model there; None if it was never loaded there."""
        return self._estimator.load_seconds(device, job.model)

    def typical(self, job: WaitingJob) -> float:
        """The cost of a job to its owner: the shortest time on any device, 1 if unknown."""
        if job.shape not in self._typical:
            able = [device for device in self._devices if job.work in device.works]
            found = [self.run(device, job) for device in able]
            self._typical[job.shape] = min(
                (time for time in found if time is not None), default=1.0
            )
        return self._typical[job.shape]


def lanes(
    devices: Iterable[Device], times: RunTimes, now: datetime, running: list[RunningJob]
) -> list[Lane]:
    """One lane for each device, free when its running job is expected to end."""
    moment = now.timestamp()
    busy = {run.device_id: run for run in running}
    return [
        Lane(
            device.name,
            busy[device.pk].end(moment) if device.pk in busy else moment,
            partial(placement.takes, device),
            partial(times.run, device),
            partial(times.load, device),
            set(device.resident),
            frozenset(device.works),
        )
        for device in devices
    ]
