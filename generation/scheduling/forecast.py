"""When will it start, where, and why there? The queue played forward with the estimates.

The same policy and the same assignment as the claim's, over the devices that are online and take
work. Where the run time of a device's next job is not known, nothing behind it can be dated: such
starts are None ("estimating"), never invented.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, overload

from django.utils import timezone

from generation.estimating.estimate import Estimate
from generation.estimating.estimator import Estimator, shape_of
from generation.models import Device, Job, ModelCard
from generation.queue.lifecycle import family_needed
from generation.scheduling import placement, queue_state, waiting_reasons
from generation.scheduling.assignment import Assigned, Lane, assign
from generation.scheduling.placement import JobNeeds
from generation.scheduling.policy import Level, WaitingJob, is_own_calibration
from generation.scheduling.queue_state import RunningJob
from generation.scheduling.waiting_jobs import WaitingJobs, waiting_job
from generation.sentences import Said
from generation.specs import RenderSpec
from generation.states import Priority, Work


@dataclass(slots=True)
class Place:
    """A waiting job's place: position from 1, its device, start and finish where they are known.

    Moments and sentences are made when they are asked for: a long queue has more places than
    anybody looks at.
    """

    position: int
    _assigned: Assigned
    _reasons: _Reasons

    @property
    def key(self) -> Any:
        """Which job it is."""
        return self._assigned.job.key

    @property
    def device(self) -> str | None:
        """Where it runs."""
        return self._assigned.lane.name if self._assigned.lane else None

    @property
    def start(self) -> datetime | None:
        """When it is taken."""
        return _moment(self._assigned.start)

    @property
    def finish(self) -> datetime | None:
        """When it is done."""
        return _moment(self._assigned.finish)

    @property
    def seconds(self) -> float | None:
        """How long it will run there, loading included."""
        start, finish = self._assigned.start, self._assigned.finish
        return None if start is None or finish is None else finish - start

    @property
    def reasons(self) -> tuple[Said, ...]:
        """Why it waits and why there: one to three short sentences with their codes."""
        return self._reasons.of(self._assigned, self.position)

    @property
    def why(self) -> str:
        """The reasons as text."""
        return " ".join(one.text for one in self.reasons)


class Places(Sequence[Place]):
    """Every waiting job's place, made when it is looked at."""

    def __init__(self, assigned: list[Assigned]) -> None:
        self.assigned = assigned
        self._reasons = _Reasons()

    def __len__(self) -> int:
        return len(self.assigned)

    @overload
    def __getitem__(self, index: int) -> Place: ...

    @overload
    def __getitem__(self, index: slice) -> list[Place]: ...

    def __getitem__(self, index: int | slice) -> Place | list[Place]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = index + len(self) if index < 0 else index
        return Place(number + 1, self.assigned[number], self._reasons)


@dataclass
class Forecast:
    """Every waiting job in the order in which the policy serves it."""

    places: Places

    @cached_property
    def by_job(self) -> dict[Any, int]:
        """Where in `places` each job is, by its key."""
        return {one.job.key: number for number, one in enumerate(self.places.assigned)}

    def place_of(self, job: Job) -> Place | None:
        """The job's place; None when it does not wait for a device."""
        number = self.by_job.get(job.pk)
        return None if number is None else self.places[number]


@dataclass(slots=True)
class RequestForecast:
    """What a request that was not submitted yet would meet."""

    estimate: Estimate | None
    position: int
    start: datetime | None


class Forecaster:
    """Plays the queue forward. A process has one, and its threads may share it."""

    def __init__(self) -> None:
        self.estimator = Estimator()
        self._waiting = WaitingJobs()

    def forecast(self) -> Forecast:
        """The whole queue."""
        now = timezone.now()
        waiting = self._waiting.read()
        return Forecast(Places(list(self._assigned(waiting, now)) if waiting else []))

    def forecast_request(
        self,
        spec: RenderSpec,
        model: ModelCard,
        priority: Priority,
        owner_id: int | None = None,
    ) -> RequestForecast:
        """Position, start and run time of `spec` if its owner submitted it now."""
        now = timezone.now()
        new = waiting_job(
            None,
            owner_id or -1,
            priority,
            now,
            now.timestamp(),
            spec.work,
            family_needed(spec, model),
            spec.longest_side,
            model.slug,
            shape_of(spec),
            "",
        )
        jobs = [*self._waiting.read(), new]
        for position, one in enumerate(self._assigned(jobs, now), start=1):
            if one.job is new:
                return RequestForecast(self._estimate(spec, one), position, _moment(one.start))
        raise AssertionError("the assignment hands out every job")

    def _estimate(self, spec: RenderSpec, one: Assigned) -> Estimate | None:
        """The run where the queue will let it run, with the model as it will be there by then."""
        if one.lane is None:
            return self.estimator.estimate(spec)
        device = Device.objects.get(name=one.lane.name)
        return self.estimator.estimate(spec, device, cold=bool(one.load))

    def _assigned(self, waiting: list[WaitingJob], now: datetime) -> Iterable[Assigned]:
        devices = queue_state.online(now)
        times, running = queue_state.RunTimes(devices, self.estimator), queue_state.runs()
        kept = [run for run in running if not _yields(run, devices, waiting)]
        there = queue_state.lanes(devices, times, now, kept)
        return assign(queue_state.line(waiting, now, running, times), there, now.timestamp())


def _yields(run: RunningJob, devices: list[Device], waiting: list[WaitingJob]) -> bool:
    """Whether the running job is a calibration, and its device takes a waiting job that is none.

    The interrupted calibration is left out of the forecast: only other calibrations follow it.
    """
    if not run.yields_to_all:
        return False
    device = next((device for device in devices if device.pk == run.device_id), None)
    return device is not None and any(
        placement.takes(device, job)
        for job in waiting
        if not is_own_calibration(job.priority, job.pinned)
    )


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


class _Reasons:
    """Why a job waits and why there, in sentences; the devices are read when they are needed."""

    def __init__(self) -> None:
        self._devices: list[Device] | None = None
        self._nowhere: dict[JobNeeds, tuple[Said, ...]] = {}

    def of(self, one: Assigned, position: int) -> tuple[Said, ...]:
        if not one.able:
            return self._no_device(one.job)
        if one.lane is None:
            return (waiting_reasons.NO_ESTIMATE.said(),)
        return (*_turn(one, position), _choice(one, one.lane))

    def _no_device(self, job: WaitingJob) -> tuple[Said, ...]:
        needs = JobNeeds(job.work, job.family, job.longest_side, job.pinned)
        if needs not in self._nowhere:
            self._nowhere[needs] = self._find_no_device(needs)
        return self._nowhere[needs]

    def _find_no_device(self, needs: JobNeeds) -> tuple[Said, ...]:
        if self._devices is None:
            self._devices = list(Device.objects.all())
        if not self._devices:
            return (waiting_reasons.NO_DEVICE_YET.said(work=Work(needs.work).label.lower()),)
        refused: list[Said] = []
        for device in self._devices:
            refusal = placement.refusal(device, needs)
            if refusal is None:
                return (
                    waiting_reasons.DEVICE_NOT_ONLINE.said(device=device.name, state=device.state),
                )
            refused.append(refusal)
        return (waiting_reasons.NO_DEVICE.said(), refused[0])


def _turn(one: Assigned, position: int) -> tuple[Said, ...]:
    if position == 1:
        return (waiting_reasons.NEXT.said(),)
    ahead = waiting_reasons.AHEAD.said(count=position - 1)
    if one.level == Level.OVERDUE and one.job.priority != Priority.URGENT:
        return (ahead, waiting_reasons.MOVED_UP.said())
    return (ahead,)


def _choice(one: Assigned, lane: Lane) -> Said:
    if one.job.pinned is not None:
        return waiting_reasons.CALIBRATES.said(device=lane.name)
    if one.able == 1:
        return waiting_reasons.ONLY_DEVICE.said(device=lane.name)
    if not one.load and one.job.model:
        return waiting_reasons.SOONEST_LOADED.said(device=lane.name, model=one.job.model)
    return waiting_reasons.SOONEST.said(device=lane.name)
