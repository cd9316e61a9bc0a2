"""The worker process of one device: registration, heartbeat, doorbell, shutdown."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Mapping
from functools import partial
from types import FrameType

import psutil
from django.conf import settings
from django.db import close_old_connections
from django.utils import timezone

from generation.errors import SettingError, StaleProcess
from generation.hardware import Hardware, detect, free_memory
from generation.live import events
from generation.models import Device, absences
from generation.models.database_file import DatabaseFile
from generation.monitoring import rollup
from generation.pipelines.registry import warm_up
from generation.pipelines.resident import ResidentModels
from generation.queue import away, leases, recovery
from generation.queue.doorbell import POLL_SECONDS, queue_for
from generation.queue.pace import Pace
from generation.worker import first_start, sweeper, threads
from generation.worker.bells import bell, on_bell
from generation.worker.runner import Worker

logger = logging.getLogger(__name__)

SWEEP_EVERY_BEATS = 5
ROLL_UP_SECONDS = 3600.0


def serve(device_name: str, render_threads: int | None = None) -> None:
    """Run a device's worker until SIGTERM or SIGINT. Raises SettingError when it cannot start.

    Raises StaleProcess when its device or its database is gone; its job is handed back before.

    `render_threads` is the number of threads that torch computes with. None chooses it from the
    device and the cores that this process may use.
    """
    # Before anything is read from it.
    database = DatabaseFile()
    usual = threads.reserve_for_render_thread(device_name.partition(":")[0])
    hardware = detect(device_name)
    render_threads = render_threads or usual
    device = register(hardware, first_start.measure(hardware, render_threads))
    worker = Worker(
        device,
        ResidentModels(hardware.torch_device, hardware.dtype, hardware.resident_bytes),
        database,
    )
    on_bell(device.name, worker.drain)
    bell(device.name)
    queue = queue_for(device.name)
    queue.on_startup("threads")(partial(_begin_render_thread, device, render_threads))
    consumer = queue.create_consumer(
        workers=1,
        periodic=False,
        initial_delay=POLL_SECONDS,
        max_delay=POLL_SECONDS,
        backoff=1.0,
    )
    stop = threading.Event()
    consumer.start()
    _stop_on_signals(stop, worker)
    heart = threading.Thread(target=_beat, args=(device, worker, stop), name="heartbeat")
    heart.start()
    worker.host_load.start()
    threading.Thread(target=warm_up, name="warm-up", daemon=True).start()
    logger.info("worker of %s is ready: %s", device.name, hardware.label)
    stop.wait()
    consumer.stop(graceful=True)
    heart.join()
    worker.host_load.stop()
    if worker.stale is not None:
        events.drain()
        raise worker.stale
    sign_off(device)


def register(hardware: Hardware, measured: Mapping[str, float] | None = None) -> Device:
    """Write the device's row and take back the jobs of its previous worker.

    `measured` is its speed, in teraflops per second by kind of work; see `probe`.

    Raises SettingError while another worker of the same device is alive.
    """
    device, _ = Device.objects.get_or_create(name=hardware.name)
    seen = {"pid": device.pid, "started_at": device.started_at}
    if device.is_online and _is_alive(device):
        raise _taken(device)
    now = timezone.now()
    found = {
        "kind": hardware.kind,
        "label": hardware.label,
        "memory_bytes": hardware.memory_bytes,
        "measured": dict(measured or {}),
        "free_bytes": free_memory(hardware.torch_device),
        "works": device.works or hardware.works,
        "resident": [],
        "hostname": socket.gethostname(),
        "pid": os.getpid(),
        "started_at": now,
        "heartbeat_at": now,
        **away.BACK,
    }
    # If two workers start at the same moment, only one finds the row unchanged.
    if not Device.objects.filter(pk=device.pk, **seen).update(**found):
        device.refresh_from_db()
        raise _taken(device)
    device.refresh_from_db()
    recovery.take_back(device)
    sweeper.sweep_half_written()
    sweeper.sweep_orphans()
    sweeper.sweep_work()
    events.publish("device.online", [events.QUEUE_GROUP], device=device.name)
    return device


def sign_off(device: Device) -> None:
    """Mark the device as away now, instead of waiting until its heartbeat expires."""
    Device.objects.filter(pk=device.pk).update(heartbeat_at=None, resident=[])
    events.publish("device.away", [events.QUEUE_GROUP], device=device.name)
    events.drain()


def beat(device: Device, worker: Worker) -> None:
    """Write one heartbeat: update the device's row and renew the leases of its running attempts.

    Only attempts that really run are renewed. A job whose end could not be written is still marked
    as this device's; renewing its lease would block the job and the device for ever.

    Raises StaleProcess if the device's row is gone, or the file of the database is another one.
    """
    worker.database.check()
    now = timezone.now()
    found = Device.objects.filter(pk=device.pk).update(
        heartbeat_at=now,
        host_load=worker.host_load.now,
        free_bytes=free_memory(worker.models.device),
    )
    if not found:
        raise StaleProcess(absences.DEVICE_REMOVED.said(device=device.name))
    for running in list(worker.running):
        leases.renew(running)


def _beat(device: Device, worker: Worker, stop: threading.Event) -> None:
    """Run the heartbeat thread. An error, such as a locked database, must not end the thread."""
    count = 0
    rolled_up = float("-inf")
    pace = Pace()
    while not stop.is_set():
        started = time.monotonic()
        try:
            beat(device, worker)
            is_even = pace.is_even()
            sweeper.ring_if_forgotten(device)
            if count % SWEEP_EVERY_BEATS == 0:
                if is_even:
                    recovery.sweep_leases()
                sweeper.sweep_frames()
                sweeper.sweep_snapshots()
                sweeper.sweep_trash()
                first_start.calibrate_if_idle(device, worker.estimator)
            if started - rolled_up >= ROLL_UP_SECONDS:
                rolled_up = started
                rollup.roll_up(timezone.now())
        except StaleProcess as stale:
            worker.stop(stale)
            stop.set()
        except Exception:
            logger.exception("a heartbeat of %s failed", device.name)
            # The next one needs a connection that works.
            close_old_connections()
        count += 1
        stop.wait(max(0.0, settings.GENGA_HEARTBEAT_SECONDS - (time.monotonic() - started)))
    close_old_connections()


def _begin_render_thread(device: Device, count: int) -> None:
    """Runs first in the consumer's thread, and again if huey has to replace that thread."""
    threads.compute_with(count)
    logger.info("%s: %s", device.name, threads.described())


def _stop_on_signals(stop: threading.Event, worker: Worker) -> None:
    def begin(_number: int, _frame: FrameType | None) -> None:
        worker.stop()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, begin)


def _is_alive(device: Device) -> bool:
    """Whether the worker of an online device is alive.

    On another host only the heartbeat is known, and it is recent. On this host the process decides.
    """
    if device.hostname != socket.gethostname():
        return True
    if device.pid == os.getpid():
        return False
    try:
        return bool(psutil.Process(device.pid).status() != psutil.STATUS_ZOMBIE)
    except (psutil.Error, ValueError):
        return False


def _taken(device: Device) -> SettingError:
    return SettingError(
        f"device {device.name!r} already has a worker (process {device.pid} on "
        f"{device.hostname}); one process serves one device"
    )
