"""Measures the speed of a new device automatically, before it has rendered.

At the first start of a device, its worker measures the device's speed, so that forms show an
estimate from the first click. When a model is active that the device has never rendered, small
calibration renders follow while the device is idle. They have the lowest priority and yield to
every other job.
"""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from generation.estimating import calibration
from generation.estimating.estimator import Estimator
from generation.hardware import Hardware
from generation.models import Attempt, Device, Job, ModelCard
from generation.queue import lifecycle
from generation.scheduling import placement
from generation.scheduling.admission import admit
from generation.states import Priority
from generation.worker import probe, threads

logger = logging.getLogger(__name__)

IDLE_SECONDS = 10.0
"""How long a device must be idle before calibration begins."""
CALIBRATOR = "calibration"
"""The user who owns these renders; nobody can log in as it."""


def measure(hardware: Hardware, render_threads: int) -> probe.Figures:
    """Return the device's speed, from its row if it was measured before.

    The measurement runs in a thread that ends, because torch keeps a pool of threads as long as
    the thread that computes lives, and two pools slow each other down.
    """
    known = Device.objects.filter(name=hardware.name, label=hardware.label).first()
    if known is not None and known.measured:
        return dict(known.measured)
    figures: probe.Figures = {}

    def run() -> None:
        threads.compute_with(render_threads)
        try:
            figures.update(probe.measure(hardware.torch_device, hardware.dtype))
        except RuntimeError:
            # Without the figures, there is no estimate before the first render.
            logger.exception("the speed of %s could not be measured", hardware.name)

    thread = threading.Thread(target=run, name="measure")
    thread.start()
    thread.join()
    return figures


def calibrate_if_idle(device: Device, estimator: Estimator) -> int:
    """Submit the calibration of one model without known times; return the number of renders."""
    if not settings.GENGA_CALIBRATE or not _is_idle(device):
        return 0
    for card in ModelCard.objects.active():
        if _is_new(card, device, estimator):
            return _submit(card, device)
    return 0


def _is_idle(device: Device) -> bool:
    """Whether no job runs on or waits for the device, and none ended on it a moment ago."""
    if not Device.objects.idle().filter(pk=device.pk).exists():
        return False
    idle_since = timezone.now() - timedelta(seconds=IDLE_SECONDS)
    if device.started_at is None or device.started_at > idle_since:
        return False
    if Attempt.objects.filter(device=device, finished_at__gt=idle_since).exists():
        return False
    return not placement.claimable(device).exists()


def _is_new(card: ModelCard, device: Device, estimator: Estimator) -> bool:
    """Whether no times of the model on the device are known, and no calibration was submitted."""
    if not placement.loads(device, card.family):
        return False
    estimator.speeds.refresh()
    source = estimator.speeds.source(device, card.slug)
    if source is not None and not source.foreign and not source.measured:
        return False
    return not Job.objects.filter(pinned_to=device, model=card).exists()


def _submit(card: ModelCard, device: Device) -> int:
    specs = [
        spec for spec in calibration.specs_for([card]) if not admit(spec, card, device).refusal
    ]
    if not specs:
        return 0
    owner, created = User.objects.get_or_create(
        username=CALIBRATOR, defaults={"is_active": False, "first_name": "Calibration"}
    )
    if created:
        owner.set_unusable_password()
        owner.save(update_fields=["password"])
    Device.objects.filter(pk=device.pk).update(calibrated_at=timezone.now())
    for spec in specs:
        lifecycle.submit(
            spec, owner=owner, model=card, priority=Priority.LOW, estimate=None, pinned_to=device
        )
    logger.info("%s is idle: %s is calibrated by %d renders", device.name, card.slug, len(specs))
    return len(specs)
