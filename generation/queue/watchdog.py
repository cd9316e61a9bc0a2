"""The thread of a web process that looks after leases, devices and the database's file.

Workers look after leases too. But when no worker is alive, somebody has to notice.
"""

from __future__ import annotations

import logging
import os
import threading

from django.conf import settings
from django.db import connections

from generation.errors import StaleProcess
from generation.models import Device
from generation.models.database_file import DatabaseFile
from generation.queue import away, recovery
from generation.queue.pace import Pace

logger = logging.getLogger(__name__)


class Watchdog(threading.Thread):
    """Looks once in every heartbeat. Errors of the database are logged, and it looks again."""

    def __init__(self) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._database = DatabaseFile()
        self._pace = Pace()
        self._online: dict[int, Device] | None = None
        self._stopping = threading.Event()
        self._failed = False

    def run(self) -> None:
        """Look until the process ends."""
        while not self._stopping.wait(settings.GENGA_HEARTBEAT_SECONDS):
            try:
                self._database.check()
                self.look()
                self._failed = False
            except StaleProcess as stale:
                _end(stale)
            except Exception:
                # One line when it begins: a database may be away for hours.
                if not self._failed:
                    logger.exception("devices and leases cannot be looked after")
                self._failed = True
            finally:
                connections.close_all()

    def stop(self) -> None:
        """Look no more."""
        self._stopping.set()

    def look(self) -> None:
        """Take back jobs of silent workers; tell which devices went away or came back."""
        recovery.sweep_leases(self._pace.is_even)
        online = {device.pk: device for device in Device.objects.online()}
        before = online if self._online is None else self._online
        self._online = online
        for pk in before.keys() - online.keys():
            away.tell(before[pk], "device.away")
        for pk in online.keys() - before.keys():
            away.tell(online[pk], "device.online")


def _end(stale: StaleProcess) -> None:
    """End the process at once: whatever its requests still write would be lost."""
    logger.critical("%s", stale)
    logging.shutdown()
    os._exit(StaleProcess.exit_status)
