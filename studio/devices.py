"""What leads ask of a device: to take work, to finish what it runs and stop, or to stop now."""

from generation import events
from generation.models import Device
from generation.states import Pause
from generation.tasks import ring_all


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
