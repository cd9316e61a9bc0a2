"""Job, its live progress and its history. Only `generation.queue` writes a job's status."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone

from generation.field import MediaType
from generation.kind import JobKind, kind_named
from generation.models import absences
from generation.sentences import Said
from generation.specs import Quality, RenderSpec
from generation.states import ACTIVE, TRANSITIONS, Priority, Stage, Status, Work, choices

UNREADABLE = (KeyError, TypeError, ValueError)
"""Exceptions of reading the settings of a job that another version wrote."""


class JobQuerySet(models.QuerySet["Job"]):
    """Jobs by their place in the queue."""

    def waiting(self) -> "JobQuerySet":
        """Jobs that wait for a device, by priority and rank, regardless of fair shares."""
        return self.filter(status=Status.QUEUED, held_at=None).order_by("priority", "rank", "id")

    def held(self) -> "JobQuerySet":
        """Jobs on hold, which wait until somebody releases them."""
        return self.filter(status=Status.QUEUED, held_at__isnull=False).order_by("held_at", "id")

    def processing(self) -> "JobQuerySet":
        """Jobs that a worker runs, the oldest first."""
        return self.filter(status=Status.PROCESSING).order_by("started_at", "id")

    def active(self) -> "JobQuerySet":
        """Jobs that have not ended."""
        return self.filter(status__in=ACTIVE)

    def kept(self) -> "JobQuerySet":
        """Jobs that are not in the trash."""
        return self.filter(trashed_at=None)

    def in_trash(self) -> "JobQuerySet":
        """Jobs in the trash that can be restored, the latest first."""
        found = self.filter(trashed_at__isnull=False, freed_at=None)
        return found.order_by("-trashed_at", "id")

    def for_pages(self) -> "JobQuerySet":
        """Select the relations that every fragment shows, to avoid a query per row."""
        return self.select_related("owner", "device", "progress").prefetch_related("outputs")


class Job(models.Model):
    """One unit of work of the queue, such as a render, from the submit to its end."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="jobs"
    )
    scope = models.CharField(
        max_length=60,
        blank=True,
        help_text="Event group of the submitting app, which gets all events; opaque to the engine.",
    )
    kind = models.CharField(
        max_length=20, default="render", help_text="Name of a package in `generation/kinds`."
    )
    spec_data = models.JSONField(help_text="The settings, as written by the kind's spec class.")
    spec_hash = models.CharField(max_length=64, db_index=True)
    type = models.CharField(max_length=10, choices=[(t.value, t.value) for t in MediaType])
    quality = models.CharField(max_length=10, choices=[(q.value, q.label) for q in Quality])
    model = models.ForeignKey("generation.ModelCard", on_delete=models.PROTECT, related_name="jobs")
    priority = models.PositiveSmallIntegerField(choices=choices(Priority), default=Priority.NORMAL)
    status = models.CharField(max_length=12, choices=choices(Status), default=Status.QUEUED)
    submitted_at = models.DateTimeField(default=timezone.now)
    queued_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    cancel_requested_at = models.DateTimeField(null=True)
    device = models.ForeignKey(
        "generation.Device", on_delete=models.SET_NULL, null=True, related_name="jobs"
    )
    pinned_to = models.ForeignKey(
        "generation.Device",
        on_delete=models.SET_NULL,
        null=True,
        related_name="pinned_jobs",
        help_text="The only device that may claim it, for calibration jobs.",
    )
    reasons = models.JSONField(
        default=list,
        help_text="Automatic choices: lists of code, choice and cause; older rows have no code.",
    )
    work = models.CharField(max_length=12, choices=choices(Work), default=Work.IMAGE)
    family = models.CharField(
        max_length=40, blank=True, help_text="Family of the model; empty if no model draws it."
    )
    longest_side = models.PositiveIntegerField(
        default=0, help_text="Longest side of the drawn picture, in pixels."
    )
    shape = models.CharField(
        max_length=600, blank=True, help_text="JSON of the settings that decide the run time."
    )
    batch_key = models.CharField(
        max_length=64, blank=True, help_text="Jobs with the same key may run as one batch."
    )
    rank = models.FloatField(
        default=0.0, help_text="Order among its owner's jobs of one priority; lower is earlier."
    )
    held_at = models.DateTimeField(null=True, help_text="On hold since.")
    trashed_at = models.DateTimeField(null=True, help_text="In the trash since.")
    freed_at = models.DateTimeField(null=True, help_text="When its files were deleted for good.")
    preemptions = models.PositiveSmallIntegerField(default=0)
    saved_steps = models.PositiveSmallIntegerField(
        default=0, help_text="Steps in its snapshot, while it waits to be resumed."
    )
    attempt_number = models.PositiveSmallIntegerField(default=0)
    lease_expires_at = models.DateTimeField(null=True)
    event_sequence = models.PositiveIntegerField(default=0)
    estimated_seconds = models.FloatField(null=True, help_text="Estimated run time at submit.")
    estimated_low = models.FloatField(null=True)
    estimated_high = models.FloatField(null=True)
    estimated_start = models.DateTimeField(null=True, help_text="Estimated start at submit.")
    assumed = models.JSONField(
        default=dict,
        help_text="Assumptions of the estimate at submit: device, cold, host_load.",
    )
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)
    error_hint = models.TextField(blank=True)

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ["-submitted_at"]
        indexes = [
            models.Index(
                fields=["status", "priority", "owner", "work", "rank", "id"], name="job_queue"
            ),
            models.Index(fields=["status", "batch_key", "rank"], name="job_batch"),
            # A covering index of the columns that the forecast reads often.
            models.Index(
                fields=["status", "held_at", "priority", "rank", "queued_at", "saved_steps", "id"],
                name="job_waiting",
            ),
            models.Index(fields=["owner", "-submitted_at"], name="job_owner"),
            models.Index(fields=["scope", "-submitted_at"], name="job_scope"),
            models.Index(fields=["status", "-finished_at"], name="job_finished"),
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()}: {self.spec.prompt[:60]}"

    @property
    def spec(self) -> RenderSpec:
        """The settings. Raises one of UNREADABLE if another version wrote them in another form."""
        spec: RenderSpec = self.kind_of.spec_class.from_json(self.spec_data)
        return spec

    @property
    def kind_of(self) -> JobKind:
        """The job's kind. Raises KeyError for an unknown one."""
        return kind_named(self.kind)

    @property
    def state(self) -> Status:
        """The status with its label and icon."""
        return Status(self.status)

    @property
    def is_cancelling(self) -> bool:
        """True from the request to cancel a running job until its worker has stopped."""
        return self.status == Status.PROCESSING and self.cancel_requested_at is not None

    @property
    def absence(self) -> Said | None:
        """What is known of the device that runs it, while that is away; None while it is there."""
        if self.status != Status.PROCESSING:
            return None
        if self.device is None:
            return absences.DEVICE_GONE.said()
        if self.device.is_online:
            return None
        return absences.of(self.device.name, self.device.heartbeat_at)

    @property
    def label(self) -> str:
        """The status as pages show it: nobody renders a job while its device is away."""
        return "Device away" if self.absence else self.state.label

    @property
    def is_held(self) -> bool:
        """True while it is on hold."""
        return self.status == Status.QUEUED and self.held_at is not None

    @property
    def left(self) -> float:
        """The share of its steps that no snapshot holds yet, 0 to 1."""
        if not self.saved_steps:
            return 1.0
        try:
            parts = self.spec.parts
        except UNREADABLE:
            # The claim reports unreadable settings; the queue must not fail because of them.
            return 1.0
        return max(0.0, 1.0 - self.saved_steps / max(1, parts))

    @property
    def may_cancel(self) -> bool:
        """True if a cancel would have an effect."""
        return not self.state.ended and self.cancel_requested_at is None

    @property
    def may_retry(self) -> bool:
        """True if the job ended without a result and is not in the trash."""
        may = self.state.ended and Status.QUEUED in TRANSITIONS[self.state]
        return may and self.trashed_at is None


class Progress(models.Model):
    """Progress of the present attempt, a small row that is updated several times a second."""

    job = models.OneToOneField(Job, on_delete=models.CASCADE, primary_key=True)
    attempt_number = models.PositiveSmallIntegerField(default=0)
    stage = models.CharField(max_length=12, choices=choices(Stage), blank=True)
    steps_complete = models.PositiveIntegerField(default=0)
    frames_complete = models.PositiveIntegerField(default=0)
    part = models.PositiveIntegerField(
        default=0, help_text="Windows or frames completed in the present stage, of `parts`."
    )
    parts = models.PositiveIntegerField(default=0)
    percent = models.FloatField(default=0.0)
    remaining_seconds = models.FloatField(null=True)
    preview = models.BinaryField(null=True, help_text="A small WebP of the picture so far.")
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.get_stage_display()} {self.percent:.0f} %"


class JobEvent(models.Model):
    """One event of a job's history. `sequence` has no gaps and starts at 1."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="events")
    sequence = models.PositiveIntegerField()
    kind = models.CharField(max_length=30)
    at = models.DateTimeField(default=timezone.now)
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["sequence"]
        constraints = [
            models.UniqueConstraint(fields=["job", "sequence"], name="event_sequence_unique")
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.kind}"
