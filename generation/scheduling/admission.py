"""May a render join the queue: refused with the reason, accepted, or accepted to wait for a device.

Everything that submits a job, or lets one wait again, asks here.
"""

from __future__ import annotations

from dataclasses import dataclass

from generation import limits, refusals
from generation.errors import SpecError
from generation.models import Device, ModelCard
from generation.scheduling import capacity, placement
from generation.scheduling.placement import JobNeeds
from generation.specs import RenderSpec


@dataclass(frozen=True, slots=True)
class Admission:
    """The answer.

    `refusal` says what cannot be rendered. `waits_for` names the devices that take the job while
    all of them are away or paused; it is empty when one of them works, and before any device was
    ever here.
    """

    refusal: SpecError | None = None
    waits_for: tuple[str, ...] = ()


def admit(spec: RenderSpec, model: ModelCard, pinned_to: Device | None = None) -> Admission:
    """Whether `spec` may join the queue. `pinned_to` is the only device that may take it."""
    try:
        return check_admitted(spec, model, pinned_to)
    except SpecError as problem:
        return Admission(refusal=problem)


def check_admitted(
    spec: RenderSpec, model: ModelCard, pinned_to: Device | None = None
) -> Admission:
    """The same, for callers that go no further with a refusal. Raises it: a SpecError."""
    if spec.draws and not model.is_active:
        raise SpecError("model", refusals.MODEL_OFF, "a model that is offered", name=model.name)
    limits.check(spec, model.limits)
    placement.check(spec, model)
    capacity.check(spec, model)
    needs = JobNeeds.of_spec(spec, model)
    if pinned_to:
        needs = needs._replace(pinned=pinned_to.pk)
        reason = placement.refusal(pinned_to, needs)
        if reason is not None:
            allowed = "a device that takes such work"
            raise SpecError("device", reason.sentence, allowed, **reason.values)
    taking = [device for device in Device.objects.all() if placement.takes(device, needs)]
    if any(device.state == "online" for device in taking):
        return Admission()
    return Admission(waits_for=tuple(device.name for device in taking))
