"""What is noted of a device whose worker has ended without a word, and who is told."""

from datetime import datetime
from typing import Any

from generation.live import events
from generation.live.events import job_group
from generation.models import Device, Job
from generation.queue import recovery
from generation.sentences import Said

BACK: dict[str, Any] = {"set_aside_until": None, "set_aside_code": "", "set_aside_values": {}}
"""The fields of a device that is not set aside."""


def worker_ended(device: Device) -> None:
    """Mark a device as away at once, and take back its jobs: its worker's process is gone."""
    Device.objects.filter(pk=device.pk).update(heartbeat_at=None, resident=[])
    recovery.take_back(device)
    events.publish("device.away", [events.QUEUE_GROUP], device=device.name)


def set_aside(device: Device, why: Said, until: datetime) -> None:
    """Note why the worker of a device is not started again before `until`."""
    Device.objects.filter(pk=device.pk).update(
        set_aside_until=until, set_aside_code=why.code, set_aside_values=dict(why.values)
    )
    events.publish("device.changed", [events.QUEUE_GROUP], device=device.name)


def no_longer_set_aside(device: Device) -> None:
    """Take the note back: nothing will start the device's worker again at its time."""
    Device.objects.filter(pk=device.pk).update(**BACK)


def tell(device: Device, kind: str) -> None:
    """Tell the pages of the queue, and those of the jobs that run on the device."""
    events.publish(kind, [events.QUEUE_GROUP], device=device.name)
    for job in Job.objects.processing().filter(device=device):
        groups = [job_group(job.pk), *([job.scope] if job.scope else [])]
        events.publish(kind, groups, job_id=str(job.pk), device=device.name)
