"""Which work may go where: what a device takes, and why it does not take the rest.

What a device may do is data on its row, found by its worker and changed by leads in the admin
site: kinds of work, model families, and the longest side in pixels.
"""

from __future__ import annotations

from django.db.models import Q

from generation.errors import SpecError
from generation.models import Device, Job, ModelCard
from generation.models.job import JobQuerySet
from generation.queue.lifecycle import family_needed
from generation.specs import RenderSpec
from generation.states import Work


def refusal(
    device: Device, work: str, family: str, longest_side: int, pinned: int | None = None
) -> str | None:
    """Why the device never takes such work, as a sentence; None when it does.

    `pinned` is the number of the only device that may.
    """
    if pinned not in (None, device.pk):
        return f"{device.name} leaves it to the device that it calibrates."
    if work not in device.works:
        return f"{device.name} is not set up for {Work(work).label.lower()}."
    if not loads(device, family):
        return f"{device.name} does not load models of the family {family}."
    if device.largest_size is not None and longest_side > device.largest_size:
        return f"{device.name} draws at most {device.largest_size} pixels a side."
    return None


def claimable(device: Device) -> JobQuerySet:
    """Waiting jobs that a device takes."""
    return Job.objects.waiting().filter(_taken_by(device))


def _taken_by(device: Device) -> Q:
    taken = Q(work__in=device.works) & (Q(pinned_to=None) | Q(pinned_to=device))
    if device.families:
        taken &= Q(family__in=["", *device.families])
    if device.largest_size is not None:
        taken &= Q(longest_side__lte=device.largest_size)
    return taken


def check(spec: RenderSpec, model: ModelCard) -> None:
    """Nothing, when some device takes such work, or no device is known yet.

    Whether that device is there now is another question: the job waits for it. Raises SpecError
    naming what no device takes.
    """
    devices = list(Device.objects.all())
    able = [device for device in devices if spec.work in device.works]
    if devices and not able:
        others = sorted({Work(work).label.lower() for device in devices for work in device.works})
        raise SpecError(
            "type" if spec.work in (Work.VIDEO, Work.IMAGE, Work.PREVIEW) else spec.work,
            f"No device is set up for {spec.work.label.lower()}.",
            ", ".join(others) or "nothing: a lead has to allow some work in the admin site",
        )
    _check_family(able, spec, model)
    _check_size(able, spec, model)


def _check_family(able: list[Device], spec: RenderSpec, model: ModelCard) -> None:
    family = family_needed(spec, model)
    if able and not any(loads(device, family) for device in able):
        families = sorted({family for device in able for family in device.families})
        raise SpecError(
            "model",
            f"No device that is set up for {spec.work.label.lower()} loads models of the family "
            f"{family}.",
            f"models of {', '.join(families)}",
        )


def _check_size(able: list[Device], spec: RenderSpec, model: ModelCard) -> None:
    family, side = family_needed(spec, model), spec.longest_side
    loading = [device for device in able if loads(device, family)]
    largest = [device.largest_size for device in loading if device.largest_size is not None]
    if loading and len(largest) == len(loading) and side > max(largest):
        name = "width" if spec.width >= spec.height else "height"
        raise SpecError(
            name,
            f"No device draws {side} pixels a side.",
            f"up to {max(largest)} pixels",
        )


def loads(device: Device, family: str) -> bool:
    """Whether a device may load models of a family; the empty one is that of no model."""
    return not family or not device.families or family in device.families
