"""Doorbells: one Huey queue for each device. A message only means "look at the job table"."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from huey import Huey

POLL_SECONDS = 0.01
"""How often a worker polls its doorbell. This is the largest part of the pickup time."""


@cache
def queue_for(device_name: str) -> Huey:
    """The Huey queue of a device: SQLite in the data folder, or Redis if GENGA_REDIS_URL is set."""
    # Imported late, because huey imports the clients of every database it can use.
    from huey import RedisHuey, SqliteHuey

    name = "device-" + "".join(c if c.isalnum() else "-" for c in device_name)
    if settings.GENGA_REDIS_URL:
        return RedisHuey(name, url=settings.GENGA_REDIS_URL, results=False, blocking=True)
    folder = Path(settings.GENGA_HOME)
    folder.mkdir(parents=True, exist_ok=True)
    return SqliteHuey(name, filename=str(folder / "doorbell.sqlite3"), results=False, fsync=False)
