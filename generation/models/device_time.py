"""DeviceTime: how much of the devices each person had lately, for fairness between people."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils import timezone

HALF_LIFE_SECONDS = 3600.0
"""After this long, what somebody had counts half."""


def faded(seconds: float, age: float) -> float:
    """What is left of device time after `age` seconds: half of it after HALF_LIFE_SECONDS."""
    return seconds * 0.5 ** (max(0.0, age) / HALF_LIFE_SECONDS)


class DeviceTime(models.Model):
    """Seconds of device time of one person, fading with HALF_LIFE_SECONDS, as of a moment."""

    owner = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="device_time"
    )
    seconds = models.FloatField(default=0.0)
    as_of = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.owner}: {self.seconds:.0f} s"

    def at(self, now: datetime) -> float:
        """What is left of it at a later moment, in seconds."""
        return faded(self.seconds, (now - self.as_of).total_seconds())

    @classmethod
    def add(cls, owner_id: int, seconds: float, now: datetime) -> None:
        """Count device time that somebody has just had."""
        had, _ = cls.objects.select_for_update().get_or_create(
            owner_id=owner_id, defaults={"as_of": now}
        )
        had.seconds = had.at(now) + seconds
        had.as_of = now
        had.save()
