"""Doorbells: one Huey queue for each device. A message says "look at the table", nothing more."""

from functools import cache
from pathlib import Path

from django.conf import settings
from huey import Huey, SqliteHuey

POLL_SECONDS = 0.01
"""How often a worker looks at its doorbell: the greatest part of the pickup time."""


@cache
def queue_for(device_name: str) -> Huey:
    """The Huey of a device: SQLite beside the data, or Redis when GENGA_REDIS_URL is set."""
    name = "device-" + "".join(c if c.isalnum() else "-" for c in device_name)
    if settings.GENGA_REDIS_URL:
        from huey import RedisHuey

        return RedisHuey(name, url=settings.GENGA_REDIS_URL, results=False, blocking=True)
    folder = Path(settings.GENGA_HOME)
    folder.mkdir(parents=True, exist_ok=True)
    return SqliteHuey(name, filename=str(folder / "doorbell.sqlite3"), results=False, fsync=False)
