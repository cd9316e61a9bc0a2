"""Device: one GPU (or CPU) with one worker process, known by its heartbeat."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from generation.states import Pause, Work, choices


class DeviceQuerySet(models.QuerySet["Device"]):
    """Which devices are there and which of them wait for work."""

    def online(self, now: datetime | None = None) -> "DeviceQuerySet":
        """Devices whose worker was heard of lately."""
        return self.filter(heartbeat_at__gt=Device.oldest_heartbeat(now))

    def idle(self) -> "DeviceQuerySet":
        """Online devices that run nothing and are not paused."""
        return self.online().filter(pause=Pause.NONE).exclude(jobs__status="processing")


class Device(models.Model):
    """What a worker registered, and when it was last heard of."""

    name = models.CharField(max_length=60, unique=True, help_text="For instance cuda:0.")
    kind = models.CharField(max_length=20, help_text="cuda or cpu.")
    label = models.CharField(max_length=120, blank=True, help_text="The hardware's own name.")
    memory_bytes = models.BigIntegerField(default=0)
    free_bytes = models.BigIntegerField(
        null=True, help_text="Memory that no other program uses, as its worker last saw it."
    )
    works = models.JSONField(default=list, help_text="Which work may go here.")
    families = models.JSONField(
        default=list, blank=True, help_text="Model families it may load; none named: all."
    )
    largest_size = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Longest side in pixels that it may draw; empty: any.",
    )
    pause = models.CharField(max_length=10, choices=choices(Pause), default=Pause.NONE, blank=True)
    resident = models.JSONField(default=list, help_text="Slugs of the models loaded now.")
    host_load = models.FloatField(
        default=0.0, help_text="Other work on its host: runnable threads for each core."
    )
    measured = models.JSONField(
        default=dict,
        help_text="Teraflops a second that its worker measured at its first start.",
    )
    calibrated_at = models.DateTimeField(null=True, blank=True)
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
    def free_now(self) -> int | None:
        """Bytes of memory that no other program uses; None while nobody can tell."""
        return self.free_bytes if self.is_online else None

    @property
    def is_paused(self) -> bool:
        """True while it takes no new work."""
        return self.pause != Pause.NONE

    @property
    def work_labels(self) -> list[str]:
        """The work that may go here, in words."""
        return [Work(work).label for work in self.works]

    @property
    def state(self) -> str:
        """One word for pages and the API: away, paused or online."""
        if not self.is_online:
            return "away"
        return "paused" if self.is_paused else "online"
