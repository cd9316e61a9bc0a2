"""Which work may go where: what a device takes, and why it does not take the rest.

What a device may do is data on its row, found by its worker and changed by leads in the admin
site: kinds of work, model families, and the longest side in pixels. CONDITIONS has each of these
as a test, a sentence, a filter of the ORM and a filter in SQL; nothing else says what a device
takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import Q

from generation import refusals
from generation.errors import SpecError
from generation.models import Device, Job, ModelCard
from generation.models.job import JobQuerySet
from generation.queue.lifecycle import family_needed
from generation.scheduling import waiting_reasons
from generation.scheduling.policy import WaitingJob
from generation.sentences import Said
from generation.specs import RenderSpec
from generation.states import Work


class JobNeeds(NamedTuple):
    """What of a job decides which devices take it.

    `pinned` is the number of the only device that may; None: any.
    """

    work: str
    family: str
    longest_side: int
    pinned: int | None = None

    @classmethod
    def of_row(cls, job: Job) -> JobNeeds:
        """The needs of a job in the table."""
        return cls(job.work, job.family, job.longest_side, job.pinned_to_id)

    @classmethod
    def of_spec(cls, spec: RenderSpec, model: ModelCard) -> JobNeeds:
        """The needs of a job with this spec."""
        return cls(spec.work, family_needed(spec, model), spec.longest_side)


AnyJob = JobNeeds | WaitingJob
"""Both have the same four fields."""
Sql = tuple[str, list[Any]]
"""A condition on a row of the jobs' table, which is called `job` there, and its parameters."""
ANYTHING: Sql = ("1 = 1", [])


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a device on the jobs that it takes, in four forms that say the same."""

    holds: Callable[[Device, AnyJob], bool]
    refusal: Callable[[Device, AnyJob], Said]
    query: Callable[[Device], Q]
    sql: Callable[[Device], Sql]


def loads(device: Device, family: str) -> bool:
    """Whether a device may load models of a family; the empty one is that of no model."""
    return not family or not device.families or family in device.families


def _name(work: str) -> str:
    return Work(work).label.lower()


def _one_of(column: str, values: Sequence[str]) -> Sql:
    marks = ", ".join(["%s"] * len(values))
    return (f"{column} IN ({marks})", list(values)) if values else ("1 = 0", [])


PIN = Condition(
    lambda device, job: job.pinned in (None, device.pk),
    lambda device, job: waiting_reasons.CALIBRATES_OTHER.said(device=device.name),
    lambda device: Q(pinned_to=None) | Q(pinned_to=device),
    lambda device: ("(job.pinned_to_id IS NULL OR job.pinned_to_id = %s)", [device.pk]),
)
WORK = Condition(
    lambda device, job: job.work in device.works,
    lambda device, job: waiting_reasons.DEVICE_NOT_SET_UP.said(
        device=device.name, work=_name(job.work)
    ),
    lambda device: Q(work__in=device.works),
    lambda device: _one_of("job.work", device.works),
)
FAMILY = Condition(
    lambda device, job: loads(device, job.family),
    lambda device, job: waiting_reasons.DEVICE_LACKS_FAMILY.said(
        device=device.name, family=job.family
    ),
    lambda device: Q(family__in=["", *device.families]) if device.families else Q(),
    lambda device: _one_of("job.family", ["", *device.families]) if device.families else ANYTHING,
)
SIZE = Condition(
    lambda device, job: device.largest_size is None or job.longest_side <= device.largest_size,
    lambda device, job: waiting_reasons.DEVICE_TOO_SMALL.said(
        device=device.name, pixels=device.largest_size
    ),
    lambda device: Q() if device.largest_size is None else Q(longest_side__lte=device.largest_size),
    lambda device: (
        ANYTHING
        if device.largest_size is None
        else ("job.longest_side <= %s", [device.largest_size])
    ),
)
CONDITIONS = (PIN, WORK, FAMILY, SIZE)


def takes(device: Device, job: AnyJob) -> bool:
    """Whether the device may run the job, now or later."""
    return all(condition.holds(device, job) for condition in CONDITIONS)


def refusal(device: Device, job: AnyJob) -> Said | None:
    """Why the device never takes such a job; None when it does."""
    broken = (one for one in CONDITIONS if not one.holds(device, job))
    return next((one.refusal(device, job) for one in broken), None)


def claimable(device: Device) -> JobQuerySet:
    """Waiting jobs that the device takes."""
    taken = Q()
    for condition in CONDITIONS:
        taken &= condition.query(device)
    return Job.objects.waiting().filter(taken)


def taken_sql(device: Device, conditions: Sequence[Condition] = CONDITIONS) -> Sql:
    """The jobs that the device takes, as a condition in SQL.

    Who has asked for jobs of certain works already leaves out WORK.
    """
    parts = [condition.sql(device) for condition in conditions]
    values = [value for _, some in parts for value in some]
    return " AND ".join(text for text, _ in parts), values


def check(spec: RenderSpec, model: ModelCard) -> None:
    """Nothing, when some device takes such work, or no device is known yet.

    Whether that device is there now is another question: the job waits for it. Raises SpecError
    naming what no device takes.
    """
    devices = list(Device.objects.all())
    able = [device for device in devices if spec.work in device.works]
    if devices and not able:
        others = sorted({_name(work) for device in devices for work in device.works})
        raise SpecError(
            "type" if spec.work in (Work.VIDEO, Work.IMAGE, Work.PREVIEW) else spec.work,
            refusals.WORK_NOT_SET_UP,
            ", ".join(others) or "nothing: a lead has to allow some work in the admin site",
            work=_name(spec.work),
        )
    _check_family(able, spec, model)
    _check_size(able, spec, model)


def _check_family(able: list[Device], spec: RenderSpec, model: ModelCard) -> None:
    family = family_needed(spec, model)
    if able and not any(loads(device, family) for device in able):
        families = sorted({family for device in able for family in device.families})
        raise SpecError(
            "model",
            refusals.FAMILY_NOT_LOADED,
            f"models of {', '.join(families)}",
            work=_name(spec.work),
            family=family,
        )


def _check_size(able: list[Device], spec: RenderSpec, model: ModelCard) -> None:
    family, side = family_needed(spec, model), spec.longest_side
    loading = [device for device in able if loads(device, family)]
    largest = [device.largest_size for device in loading if device.largest_size is not None]
    if loading and len(largest) == len(loading) and side > max(largest):
        name = "width" if spec.width >= spec.height else "height"
        raise SpecError(
            name,
            refusals.SIDE_TOO_LONG,
            f"up to {max(largest)} pixels",
            pixels=side,
        )
