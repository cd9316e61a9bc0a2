"""The devices and the waiting jobs as the plain data that the policy works on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db.models import Max

from generation.estimating import estimator
from generation.models import Device, DeviceTime, Job, StageTiming
from generation.scheduling import placement
from generation.scheduling.assignment import Lane
from generation.scheduling.policy import Line, WaitingJob


def line(jobs: Iterable[WaitingJob], now: datetime, times: RunTimes | None = None) -> Line:
    """The jobs in the policy's order, with the device time that people had until now."""
    cost = times.typical if times else _alike
    return Line(jobs, device_time(now), now.timestamp(), ageing_seconds(), cost)


def ageing_seconds() -> float:
    """How long a job waits before it rises one level."""
    return float(settings.GENGA_AGEING_MINUTES) * 60.0


def device_time(now: datetime) -> dict[int, float]:
    """Seconds that each person had lately, what runs at this moment included."""
    had = DeviceTime.of_everybody(now)
    running = Job.objects.processing().values_list("owner_id", "started_at")
    for owner, started in running:
        if started is not None:
            had[owner] = had.get(owner, 0.0) + max(0.0, (now - started).total_seconds())
    return had


class RunTimes:
    """Run and load times by shape and device, read once for many jobs.

    A device without history of a shape is taken to be as quick as others of its kind and label.
    """

    _newest: int | None = None
    _runs: dict[str, dict[str, float]] = {}
    _loads: dict[str, float | None] = {}

    def __init__(self, jobs: Iterable[WaitingJob], devices: Iterable[Device]) -> None:
        self._devices = list(devices)
        alike: dict[tuple[str, str], list[str]] = {}
        for device in Device.objects.all():
            alike.setdefault((device.kind, device.label), []).append(device.name)
        self._alike = {
            device.name: alike.get((device.kind, device.label), []) for device in self._devices
        }
        self._read({job.shape for job in jobs}, {job.model for job in jobs})

    def run(self, device: str, job: WaitingJob) -> float | None:
        """Seconds of a job on a device, loading aside; None without history."""
        known = self._runs.get(job.shape, {})
        if device in known:
            return known[device]
        others = [known[name] for name in self._alike.get(device, []) if name in known]
        return sum(others) / len(others) if others else None

    def load(self, job: WaitingJob) -> float | None:
        """Seconds of loading the job's model; None when it was never loaded."""
        return self._loads.get(job.model)

    def typical(self, job: WaitingJob) -> float:
        """What a job costs its owner, for turns between people; 1 when nothing is known."""
        known = self._runs.get(job.shape)
        return min(known.values()) if known else 1.0

    @classmethod
    def forget(cls) -> None:
        """Read everything anew when it is asked for next."""
        cls._newest, cls._runs, cls._loads = None, {}, {}

    @classmethod
    def _forget_since(cls, newest: int | None) -> None:
        """Forget the shapes and models of which attempts have ended since the last look."""
        if cls._newest is None:
            cls._newest, cls._runs, cls._loads = newest, {}, {}
            return
        ended = StageTiming.objects.filter(pk__gt=cls._newest)
        for shape, model in ended.values_list(
            "attempt__shape", "attempt__job__model__slug"
        ).distinct():
            cls._runs.pop(shape, None)
            cls._loads.pop(model, None)
        cls._newest = newest

    @classmethod
    def _read(cls, shapes: set[str], models: set[str]) -> None:
        """Fill what this process knows; what other attempts have told since is read anew."""
        newest = StageTiming.objects.aggregate(newest=Max("pk"))["newest"]
        if newest != cls._newest:
            cls._forget_since(newest)
        missing = shapes - cls._runs.keys()
        cls._runs.update({shape: {} for shape in missing})
        for (shape, name), seconds in estimator.run_times(missing).items() if missing else ():
            # Another thread may have forgotten the shape a moment ago.
            cls._runs.setdefault(shape, {})[name] = seconds
        for model in models - cls._loads.keys() - {""}:
            cls._loads[model] = estimator.load_seconds(model)


def lanes(devices: Iterable[Device], times: RunTimes, now: datetime) -> list[Lane]:
    """A lane for each device, free when its present job is expected to end."""
    running = {job.device_id: job for job in Job.objects.processing().select_related("progress")}
    return [
        Lane(
            device.name,
            free_at(running.get(device.pk), now),
            _taker(device),
            partial(times.run, device.name),
            times.load,
            set(device.resident),
        )
        for device in devices
    ]


def free_at(job: Job | None, now: datetime) -> float | None:
    """When a device is free that runs this job, or none, in seconds; None when unknown.

    A run that outlives its estimate has no known end.
    """
    if job is None:
        return now.timestamp()
    remaining = job.progress.remaining_seconds
    if remaining is not None:
        end = job.progress.updated_at + timedelta(seconds=remaining)
    elif job.predicted_seconds is not None and job.started_at is not None:
        end = job.started_at + timedelta(seconds=job.predicted_seconds)
    else:
        return None
    return end.timestamp() if end > now else None


def _taker(device: Device) -> Callable[[WaitingJob], bool]:
    def takes(job: WaitingJob) -> bool:
        return placement.refusal(device, job.work, job.family, job.longest_side) is None

    return takes


def _alike(_: WaitingJob) -> float:
    return 1.0
