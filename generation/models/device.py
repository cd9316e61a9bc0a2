"""Device: one GPU (or CPU) with one worker process, known by its heartbeat."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone


class DeviceQuerySet(models.QuerySet["Device"]):
    """Which devices are there and which of them wait for work."""

    def online(self, now: datetime | None = None) -> "DeviceQuerySet":
        """Devices whose worker was heard of lately."""
        return self.filter(heartbeat_at__gt=Device.oldest_heartbeat(now))

    def idle(self) -> "DeviceQuerySet":
        """Online devices that run nothing and are not paused."""
        return self.online().filter(is_paused=False).exclude(jobs__status="processing")


class Device(models.Model):
    """What a worker registered, and when it was last heard of."""

    name = models.CharField(max_length=60, unique=True, help_text="For instance cuda:0.")
    kind = models.CharField(max_length=20, help_text="cuda or cpu.")
    label = models.CharField(max_length=120, blank=True, help_text="The hardware's own name.")
    memory_bytes = models.BigIntegerField(default=0)
    types = models.JSONField(default=list, help_text="What it may make.")
    is_paused = models.BooleanField(
        default=False, help_text="Finish the present job, take no other."
    )
    resident = models.JSONField(default=list, help_text="Slugs of the models loaded now.")
    hostname = models.CharField(max_length=120, blank=True)
    pid = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True, db_index=True)

    objects = DeviceQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def oldest_heartbeat(now: datetime | None = None) -> datetime:
        """Heartbeats before this moment belong to workers that are away."""
        silence = timedelta(seconds=settings.GENGA_HEARTBEAT_SECONDS * 5)
        return (now or timezone.now()) - silence

    @property
    def is_online(self) -> bool:
        """True when its worker was heard of lately."""
        return self.heartbeat_at is not None and self.heartbeat_at > self.oldest_heartbeat()

    @property
    def state(self) -> str:
        """One word for pages and the API: away, paused or online."""
        if not self.is_online:
            return "away"
        return "paused" if self.is_paused else "online"
