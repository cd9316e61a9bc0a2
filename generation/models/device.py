"""Device: one GPU (or CPU) with one worker process, which sends heartbeats."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from generation.models import absences
from generation.sentences import Said
from generation.states import Pause, Work, choices


class DeviceQuerySet(models.QuerySet["Device"]):
    """Devices by state."""

    def online(self, now: datetime | None = None) -> "DeviceQuerySet":
        """Devices with a recent heartbeat."""
        return self.filter(heartbeat_at__gt=Device.oldest_heartbeat(now))

    def idle(self) -> "DeviceQuerySet":
        """Online devices that run no job and are not paused."""
        return self.online().filter(pause=Pause.NONE).exclude(jobs__status="processing")

    def cut_heartbeats(self) -> int:
        """Set heartbeats of the future to now, after a clock was set back; their number.

        A device whose worker lives sends the next one soon; the others then count as away.
        """
        future = Now() + timedelta(seconds=settings.GENGA_HEARTBEAT_SECONDS * 5)
        return self.filter(heartbeat_at__gt=future).update(heartbeat_at=Now())


class Device(models.Model):
    """A device as its worker registered it, with the time of the last heartbeat."""

    name = models.CharField(max_length=60, unique=True, help_text="For example cuda:0.")
    kind = models.CharField(max_length=20, help_text="cuda or cpu.")
    label = models.CharField(max_length=120, blank=True, help_text="Name of the hardware.")
    memory_bytes = models.BigIntegerField(default=0)
    free_bytes = models.BigIntegerField(
        null=True, help_text="Memory that no other program uses, as last measured by its worker."
    )
    works = models.JSONField(default=list, help_text="Kinds of work that it accepts.")
    families = models.JSONField(
        default=list, blank=True, help_text="Model families that it accepts; empty: all."
    )
    largest_size = models.PositiveIntegerField(
        null=True,
        blank=True,
        help_text="Longest side in pixels that it accepts; empty: any.",
    )
    pause = models.CharField(max_length=10, choices=choices(Pause), default=Pause.NONE, blank=True)
    resident = models.JSONField(default=list, help_text="Slugs of the loaded models.")
    host_load = models.FloatField(
        default=0.0, help_text="Other work on its host, in runnable threads per core."
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
    set_aside_until = models.DateTimeField(
        null=True, help_text="When its worker is started again after it ended too often."
    )
    set_aside_code = models.CharField(
        max_length=40, blank=True, help_text="Code of the sentence that says why it is set aside."
    )
    set_aside_values = models.JSONField(default=dict, help_text="Values of that sentence.")

    objects = DeviceQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @staticmethod
    def oldest_heartbeat(now: datetime | None = None) -> datetime:
        """A device whose last heartbeat is older than this is offline."""
        silence = timedelta(seconds=settings.GENGA_HEARTBEAT_SECONDS * 5)
        return (now or timezone.now()) - silence

    @property
    def is_online(self) -> bool:
        """True while its last heartbeat is recent enough."""
        return self.heartbeat_at is not None and self.heartbeat_at > self.oldest_heartbeat()

    @property
    def free_now(self) -> int | None:
        """Bytes of memory that no other program uses; None while it is offline or unknown."""
        return self.free_bytes if self.is_online else None

    @property
    def is_paused(self) -> bool:
        """True while it claims no jobs."""
        return self.pause != Pause.NONE

    @property
    def set_aside(self) -> Said | None:
        """Why its worker is not started for a while; None when it is not set aside."""
        why = absences.WHY_SET_ASIDE.get(self.set_aside_code)
        return why.said(**self.set_aside_values) if why else None

    @property
    def work_labels(self) -> list[str]:
        """Labels of the kinds of work that it accepts."""
        return [Work(work).label for work in self.works]

    @property
    def state(self) -> str:
        """One word for pages and the API: away, paused or online."""
        if not self.is_online:
            return "away"
        return "paused" if self.is_paused else "online"
