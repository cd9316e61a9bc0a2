"""Doorbells: one Huey queue for each device. A message says "look at the table", nothing more."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

if TYPE_CHECKING:
    from huey import Huey

POLL_SECONDS = 0.01
"""How often a worker looks at its doorbell: the greatest part of the pickup time."""


@cache
def queue_for(device_name: str) -> Huey:
    """The Huey of a device: SQLite beside the data, or Redis when GENGA_REDIS_URL is set."""
    # Imported at the first bell: huey imports the clients of every database it can use.
    from huey import RedisHuey, SqliteHuey

    name = "device-" + "".join(c if c.isalnum() else "-" for c in device_name)
    if settings.GENGA_REDIS_URL:
        return RedisHuey(name, url=settings.GENGA_REDIS_URL, results=False, blocking=True)
    folder = Path(settings.GENGA_HOME)
    folder.mkdir(parents=True, exist_ok=True)
    return SqliteHuey(name, filename=str(folder / "doorbell.sqlite3"), results=False, fsync=False)
