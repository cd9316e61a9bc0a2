"""What `manage.py up` writes into the rows of its devices, for pages, API and admin site.

The database may be locked or replaced at that moment. That must not end `up`, so errors are logged
and no connection stays open.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import DatabaseError, connections
from django.utils import timezone

from generation.models import Device
from generation.queue import away
from generation.sentences import Said
from studio.management.children import WorkerChild

logger = logging.getLogger(__name__)


def is_online(worker: WorkerChild) -> bool:
    """Whether the running process of a worker has registered its device."""
    with _database():
        device = _registered(worker, worker.pid)
        return device is not None and device.is_online
    return False


def note_end(worker: WorkerChild, pid: int) -> None:
    """Mark the device that the ended process served as away, and take back its jobs."""
    with _database():
        device = _registered(worker, pid)
        if device is not None:
            away.worker_ended(device)


def set_aside(worker: WorkerChild, why: Said, seconds: float) -> None:
    """Note on the worker's device why it is set aside, and for how many seconds."""
    with _database():
        device = _of(worker)
        if device is not None:
            away.set_aside(device, why, timezone.now() + timedelta(seconds=seconds))


def release(workers: Iterable[WorkerChild]) -> None:
    """Take back what was noted, because nobody will try these devices again."""
    with _database():
        for worker in workers:
            device = _of(worker)
            if device is not None:
                away.no_longer_set_aside(device)


def _registered(worker: WorkerChild, pid: int) -> Device | None:
    """The device that a process of the worker has registered."""
    device = Device.objects.filter(hostname=socket.gethostname(), pid=pid).first()
    if device is not None:
        worker.device_id = device.pk
    return device


def _of(worker: WorkerChild) -> Device | None:
    """The device of a worker, also when its last process ended before it could register."""
    if worker.device_id is not None:
        return Device.objects.filter(pk=worker.device_id).first()
    if worker.asked:
        return Device.objects.filter(name=worker.asked).first()
    # Without a name it serves the first device of this machine, as on the days before.
    own = Device.objects.filter(hostname=socket.gethostname(), started_at__isnull=False)
    return own.order_by("started_at").last()


@contextmanager
def _database() -> Iterator[None]:
    try:
        yield
    except DatabaseError:
        logger.exception("the state of a device could not be read or written")
    finally:
        connections.close_all()
