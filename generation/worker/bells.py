"""The Huey tasks: one bell for each device, and the functions that ring it.

A message names no job. The worker that receives it claims from the table, so a lost message only
delays the job until the next sweep, and a duplicate message finds nothing to do.
"""

import logging
from collections.abc import Callable
from functools import cache
from typing import Any

from django.dispatch import receiver

from generation.live.events import job_waiting
from generation.models import Device, Job
from generation.queue.doorbell import queue_for
from generation.scheduling import placement
from generation.scheduling.placement import JobNeeds

logger = logging.getLogger(__name__)

_answer: dict[str, Callable[[], int]] = {}


def on_bell(device_name: str, answer: Callable[[], int]) -> None:
    """Call `answer` in this process whenever the bell of the device rings."""
    _answer[device_name] = answer


@cache
def bell(device_name: str) -> Callable[[], Any]:
    """Return the Huey task that wakes the device's worker. Calling it rings the bell."""
    huey = queue_for(device_name)

    # Huey has no types.
    @huey.task(name="answer_bell")  # type: ignore[untyped-decorator]
    def answer_bell() -> None:
        _answer[device_name]()

    ring: Callable[[], Any] = answer_bell
    return ring


@receiver(job_waiting)
def ring_idle_devices(job_id: Any, **_: Any) -> None:
    """Wake every idle device that may take the new job."""
    job = Job.objects.filter(pk=job_id).first()
    if job is None:
        return
    needs = JobNeeds.of_row(job)
    for device in Device.objects.idle():
        if placement.takes(device, needs):
            _ring(device)


def ring_all() -> None:
    """Wake every idle device, because the rules of which device takes which job have changed."""
    for device in Device.objects.idle():
        _ring(device)


def _ring(device: Device) -> None:
    try:
        bell(device.name)()
    except Exception:
        # The jobs are safe in the table, and the device's own sweep finds them.
        logger.exception("the bell of %s could not be rung", device.name)
