"""The devices and the waiting jobs as the plain data that the policy works on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

from django.conf import settings

from generation.estimating.estimator import load_seconds
from generation.estimating.knowledge import Knowledge
from generation.models import Device
from generation.scheduling import placement, present
from generation.scheduling.assignment import Lane
from generation.scheduling.policy import Line, WaitingJob
from generation.scheduling.present import Run


def line(
    jobs: Iterable[WaitingJob], now: datetime, running: list[Run], times: RunTimes | None = None
) -> Line:
    """The jobs in the policy's order, with the device time that people had until now."""
    moment = now.timestamp()
    had = present.device_time(moment, running)
    cost = times.typical if times else _alike
    return Line(jobs, had, moment, ageing_seconds(), cost)


def ageing_seconds() -> float:
    """How long a job waits before it rises one level."""
    return float(settings.GENGA_AGEING_MINUTES) * 60.0


class RunTimes:
    """Run and load times by shape and device, for many jobs at one moment."""

    def __init__(self, devices: Iterable[Device]) -> None:
        Knowledge.refresh()
        self._devices = list(devices)
        self._typical: dict[str, float] = {}

    def run(self, device: Device, job: WaitingJob) -> float | None:
        """Seconds of a job on a device, loading aside; None without evidence."""
        return Knowledge.warm_seconds(device, job.shape)

    def load(self, device: Device, job: WaitingJob) -> float | None:
        """Seconds of loading the job's model there; None when it was never loaded."""
        return load_seconds(device, job.model)

    def typical(self, job: WaitingJob) -> float:
        """What a job costs its owner, for turns between people; 1 when nothing is known."""
        if job.shape not in self._typical:
            able = [device for device in self._devices if job.work in device.works]
            found = [Knowledge.warm_seconds(device, job.shape) for device in able]
            self._typical[job.shape] = min((one for one in found if one is not None), default=1.0)
        return self._typical[job.shape]


def lanes(
    devices: Iterable[Device], times: RunTimes, now: datetime, running: list[Run]
) -> list[Lane]:
    """A lane for each device, free when its present job is expected to end."""
    moment = now.timestamp()
    busy = {run.device_id: run for run in running}
    return [
        Lane(
            device.name,
            busy[device.pk].end(moment) if device.pk in busy else moment,
            _taker(device),
            partial(times.run, device),
            partial(times.load, device),
            set(device.resident),
        )
        for device in devices
    ]


def _taker(device: Device) -> Callable[[WaitingJob], bool]:
    def takes(job: WaitingJob) -> bool:
        refusal = placement.refusal(device, job.work, job.family, job.longest_side, job.pinned)
        return refusal is None

    return takes


def _alike(_: WaitingJob) -> float:
    return 1.0
