"""DeviceTime: the recent device time of each person, for fair scheduling."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone

HALF_LIFE_SECONDS = 3600.0
"""Half-life of the decay of device time."""


def faded(seconds: float, age: float) -> float:
    """Device time after a decay of `age` seconds. It halves in HALF_LIFE_SECONDS."""
    return seconds * 0.5 ** (max(0.0, age) / HALF_LIFE_SECONDS)


class DeviceTime(models.Model):
    """Device time of one person in seconds at `as_of`, decaying by HALF_LIFE_SECONDS."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="device_time"
    )
    seconds = models.FloatField(default=0.0)
    as_of = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.owner}: {self.seconds:.0f} s"

    def at(self, now: datetime) -> float:
        """The decayed device time at `now`, in seconds."""
        return faded(self.seconds, (now - self.as_of).total_seconds())

    @classmethod
    def add(cls, owner_id: int, seconds: float, now: datetime) -> None:
        """Add device time that a person used up to `now`; less than none counts as none."""
        row, _ = cls.objects.select_for_update().get_or_create(
            owner_id=owner_id, defaults={"as_of": now}
        )
        row.seconds = row.at(now) + max(0.0, seconds)
        row.as_of = now
        row.save()
