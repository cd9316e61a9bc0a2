"""Actions of leads on a device: pause it, let it work again, calibrate it."""

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, F, Q
from django.utils import timezone

from generation.errors import SpecError
from generation.estimating import calibration
from generation.live import events
from generation.models import Device, Job, LearnedSpeed, ModelCard
from generation.scheduling.admission import admit
from generation.scheduling.forecast import Forecaster
from generation.specs import RenderSpec
from generation.states import ACTIVE, Pause, Priority
from generation.worker.bells import ring_all
from studio.models import Take
from studio.models.project import CALIBRATION_SHOT
from studio.ordering import submission
from studio.ordering.planner import Plan
from studio.production import refusals, sentences


def pause(device: Device, wanted: Pause) -> bool:
    """Pause the device or let it work again, and publish the change. False if nothing changed.

    Only this field is written, because the device's worker writes the others at the same time.
    """
    changed = Device.objects.filter(pk=device.pk).exclude(pause=wanted).update(pause=wanted)
    if changed:
        tell(device)
    return bool(changed)


def tell(device: Device) -> None:
    """Wake all workers and refresh the pages once a change of what a device takes is committed."""

    def told() -> None:
        ring_all()
        events.publish("device.changed", [events.QUEUE_GROUP], device=name)

    name = device.name
    transaction.on_commit(told)


PAUSED = {
    Pause.NONE: sentences.DEVICE_WORKS,
    Pause.AFTER_JOB: sentences.DEVICE_STOPS_LATER,
    Pause.AT_ONCE: sentences.DEVICE_STOPS_NOW,
}
"""What a pause does, as sentences about a `device`."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether a device has learned speeds of its own, and the progress of its calibration."""

    known: bool
    done: int
    wanted: int

    @property
    def runs(self) -> bool:
        """Whether renders of the calibration wait or run."""
        return self.done < self.wanted


def calibrations() -> dict[int, Calibration]:
    """The calibration of every device, by its primary key."""
    known = set(LearnedSpeed.objects.values_list("device_id", flat=True))
    latest = Q(pinned_jobs__submitted_at__gte=F("calibrated_at"))
    counted = Device.objects.annotate(
        wanted=Count("pinned_jobs", filter=latest),
        waiting=Count("pinned_jobs", filter=latest & Q(pinned_jobs__status__in=ACTIVE)),
    )
    return {
        pk: Calibration(pk in known, wanted - waiting, wanted)
        for pk, wanted, waiting in counted.values_list("pk", "wanted", "waiting")
    }


def calibrate(
    forecaster: Forecaster, device: Device, user: User, models: list[ModelCard] | None = None
) -> list[Take]:
    """Submit the renders that measure the speed of a device; no other device takes them.

    Raises SpecError for `device` when it is not online, is being calibrated already, or can render
    none of the models.
    """
    if device.state != "online":
        raise SpecError(
            "device",
            refusals.DEVICE_NOT_ONLINE,
            "a device that is online",
            device=device.name,
            state=device.state,
        )
    if Job.objects.filter(pinned_to=device, status__in=ACTIVE).exists():
        raise SpecError(
            "device",
            refusals.ALREADY_CALIBRATING,
            "another device, or wait",
            device=device.name,
        )
    cards = {card.slug: card for card in models or ModelCard.objects.active()}
    wanted = [(spec, cards[spec.model]) for spec in calibration.specs_for(cards.values())]
    able = [(spec, card) for spec, card in wanted if not admit(spec, card, device).refusal]
    if not able:
        raise SpecError(
            "device",
            refusals.RENDERS_NO_MODEL,
            "a device that is set up for one of them",
            device=device.name,
        )
    Device.objects.filter(pk=device.pk).update(calibrated_at=timezone.now())
    return [_submit(forecaster, device, user, spec, card) for spec, card in able]


def _submit(
    forecaster: Forecaster, device: Device, user: User, spec: RenderSpec, card: ModelCard
) -> Take:
    return submission.submit_spec(
        spec,
        model=card,
        user=user,
        shot=submission.sketches_of(user, CALIBRATION_SHOT, "Calibration"),
        priority=Priority.NORMAL,
        plan=Plan(spec, card, forecaster.forecast_request(spec, card, Priority.NORMAL, user.pk)),
        pinned_to=device,
        prompt=spec.prompt,
    )
