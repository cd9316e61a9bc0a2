"""What leads ask of a device: to take work, to stop, or to find out how fast it is."""

from dataclasses import dataclass

from django.contrib.auth.models import User
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
from studio.ordering import submission
from studio.ordering.planner import Plan
from studio.production import refusals

CALIBRATION_SHOT = "calibration"


def pause(device: Device, wanted: Pause) -> bool:
    """Let the device stop or work again, and tell whoever watches. False when nothing changed.

    Only this one field is written: its worker writes the others meanwhile.
    """
    changed = Device.objects.filter(pk=device.pk).exclude(pause=wanted).update(pause=wanted)
    if changed:
        tell(device)
    return bool(changed)


def tell(device: Device) -> None:
    """What may go where has changed: idle devices look again, and pages show it."""
    ring_all()
    events.publish("device.changed", [events.QUEUE_GROUP], device=device.name)


def said(device: Device, wanted: Pause) -> str:
    """What happens now, as a sentence."""
    return {
        Pause.NONE: f"{device.name} takes work again.",
        Pause.AFTER_JOB: f"{device.name} finishes what it runs and takes no more.",
        Pause.AT_ONCE: f"{device.name} hands back what it runs at its next step. "
        "The job keeps its place in the queue and the steps that are saved.",
    }[wanted]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Whether a device knows any times of its own, and how far a calibration is."""

    known: bool
    done: int
    wanted: int

    @property
    def runs(self) -> bool:
        """True while renders of it wait or run."""
        return self.done < self.wanted


def calibrations() -> dict[int, Calibration]:
    """Of every device, by its number."""
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
    """Submit the renders that teach how fast a device is; only it takes them.

    Raises SpecError naming the device when it is not online, is at it already, or may render none
    of the models.
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
