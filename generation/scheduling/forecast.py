"""When will it start? The queue played forward with the estimates.

The same order as the claim's, over the devices that are online. As soon as a device's next job
has no estimate, nothing behind it can be dated: such starts are None ("estimating"), never
invented.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.utils import timezone

from generation.estimating import estimator
from generation.estimating.estimator import Prediction
from generation.models import Device, Job
from generation.specs import RenderSpec
from generation.states import Priority


@dataclass(slots=True)
class Place:
    """A waiting job's place: position from 1, and its start and finish where they are known."""

    job: Job
    position: int
    start: datetime | None
    finish: datetime | None
    device: Device | None
    prediction: Prediction | None
    why: str


@dataclass(slots=True)
class _Lane:
    """One device and when it is free; None when that cannot be told."""

    device: Device
    free_at: datetime | None


@dataclass(slots=True)
class Forecast:
    """Every waiting job in the order in which it will run."""

    places: list[Place]
    lanes: list[_Lane]
    by_job: dict[UUID, Place] = field(init=False)

    def __post_init__(self) -> None:
        self.by_job = {place.job.pk: place for place in self.places}

    def place_of(self, job: Job) -> Place | None:
        """The job's place; None when it does not wait."""
        return self.by_job.get(job.pk)


def forecast(waiting: Iterable[Job] | None = None) -> Forecast:
    """Play the queue forward: `waiting` in its order, or all jobs that wait."""
    jobs = list(Job.objects.waiting()) if waiting is None else list(waiting)
    now = timezone.now()
    lanes = _lanes(now)
    predictions: dict[str, Prediction | None] = {}
    places = []
    for position, job in enumerate(jobs, start=1):
        spec = job.spec
        shape = estimator.shape_of(spec)
        if shape not in predictions:
            predictions[shape] = estimator.predict(spec)
        places.append(_place(job, position, lanes, predictions[shape], now))
    return Forecast(places, lanes)


@dataclass(slots=True)
class Outlook:
    """What a request that was not submitted yet would meet."""

    prediction: Prediction | None
    position: int
    start: datetime | None


def outlook(spec: RenderSpec, priority: Priority) -> Outlook:
    """Position, start and run time of `spec` if it were submitted now."""
    waiting = list(Job.objects.waiting())
    ahead = [job for job in waiting if job.priority <= priority]
    lanes = forecast(ahead).lanes
    able = [lane for lane in lanes if spec.type in lane.device.types]
    known = [lane.free_at for lane in able if lane.free_at is not None]
    return Outlook(estimator.predict(spec), len(ahead) + 1, min(known, default=None))


def _lanes(now: datetime) -> list[_Lane]:
    running = {job.device_id: job for job in Job.objects.processing().select_related("progress")}
    lanes = []
    for device in Device.objects.online().filter(is_paused=False):
        job = running.get(device.pk)
        lanes.append(_Lane(device, now if job is None else _expected_end(job, now)))
    return lanes


def _expected_end(job: Job, now: datetime) -> datetime | None:
    remaining = job.progress.remaining_seconds
    if remaining is not None:
        return max(now, job.progress.updated_at + timedelta(seconds=remaining))
    if job.predicted_seconds is not None and job.started_at is not None:
        return max(now, job.started_at + timedelta(seconds=job.predicted_seconds))
    return None


def _place(
    job: Job, position: int, lanes: list[_Lane], prediction: Prediction | None, now: datetime
) -> Place:
    able = [lane for lane in lanes if job.type in lane.device.types]
    if not able:
        why = f"No device that makes {job.type}s is online; it starts when one joins."
        return Place(job, position, None, None, None, prediction, why)
    known = [(lane.free_at, index) for index, lane in enumerate(able) if lane.free_at is not None]
    if not known:
        why = "The work ahead of it has no estimate yet."
        return Place(job, position, None, None, None, prediction, why)
    start, index = min(known)
    lane = able[index]
    finish = start + timedelta(seconds=prediction.seconds) if prediction else None
    lane.free_at = finish
    why = (
        f"Next on {lane.device.name}."
        if position == 1
        else f"{position - 1} ahead of it; {lane.device.name} is free first."
    )
    return Place(job, position, start, finish, lane.device, prediction, why)
