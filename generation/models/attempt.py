"""Attempt: one run of a job on one device, with the seconds of each stage."""

from time import monotonic

from django.db import models
from django.utils import timezone

from generation.states import Outcome, Stage, choices


class AttemptQuerySet(models.QuerySet["Attempt"]):
    """The performance history."""

    def comparable(self) -> "AttemptQuerySet":
        """Completed attempts that ran alone and from the start: comparable run times."""
        return self.filter(
            outcome=Outcome.COMPLETED,
            resumed_from=0,
            batch_size=1,
            run_seconds__isnull=False,
        )


class Attempt(models.Model):
    """One run of a job on a device. The row with outcome `running` holds the lease."""

    job = models.ForeignKey("generation.Job", on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    device = models.ForeignKey(
        "generation.Device", on_delete=models.SET_NULL, null=True, related_name="attempts"
    )
    device_name = models.CharField(max_length=60)
    shape = models.CharField(
        max_length=600, help_text="JSON of the settings that decide the run time."
    )
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, choices=choices(Outcome), default=Outcome.RUNNING)
    cold = models.BooleanField(null=True, help_text="True if the model had to be loaded first.")
    run_seconds = models.FloatField(
        null=True, help_text="From the claim to the end, or to the last heartbeat."
    )
    load_seconds = models.FloatField(
        default=0.0, help_text="Seconds of the run time for loading the model."
    )
    resumed_from = models.PositiveSmallIntegerField(
        default=0,
        help_text="Steps (frames of an enhancement) that an earlier attempt completed.",
    )
    batch_size = models.PositiveSmallIntegerField(
        default=1, help_text="Number of jobs that were denoised together."
    )
    host_load = models.FloatField(
        default=0.0,
        help_text="Other work on the host during the run, in runnable threads per core.",
    )
    host_load_before = models.FloatField(
        default=0.0, help_text="The same at the claim, which is all that an estimate can use."
    )
    precision = models.CharField(max_length=10, blank=True, help_text="For example float16.")
    estimated_seconds = models.FloatField(null=True, help_text="Estimated run time at the claim.")
    estimated_at_quarter = models.FloatField(
        null=True, help_text="Run time as estimated after a quarter of the run."
    )
    lowered = models.JSONField(
        default=list, help_text="Settings that were lowered to fit into memory."
    )
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)

    begun: float | None = None
    """The claim by the monotonic clock of this process; None in every other process."""

    objects = AttemptQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="attempt_number_unique")
        ]
        indexes = [
            models.Index(fields=["shape", "device", "outcome", "-finished_at"], name="attempt_like")
        ]

    def __str__(self) -> str:
        return f"Attempt {self.number} on {self.device_name}: {self.outcome}"

    @property
    def elapsed(self) -> float | None:
        """Seconds since the claim, whatever the clock of the host does; None elsewhere."""
        return None if self.begun is None else monotonic() - self.begun

    @property
    def is_comparable(self) -> bool:
        """Whether it ran alone and from the start; see `AttemptQuerySet.comparable`."""
        return not self.resumed_from and self.batch_size == 1

    @property
    def outcome_label(self) -> str:
        """The label of the outcome."""
        if self.outcome == Outcome.HANDED_BACK and self.error_code:
            return "Handed back: the database failed"
        return Outcome(self.outcome).label


class StageTiming(models.Model):
    """Seconds of one stage of one attempt; `steps` has the seconds of each denoising step."""

    attempt = models.ForeignKey(Attempt, on_delete=models.CASCADE, related_name="timings")
    stage = models.CharField(max_length=12, choices=choices(Stage))
    seconds = models.FloatField()
    steps = models.JSONField(default=list)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["attempt", "stage"], name="timing_stage_unique")
        ]

    def __str__(self) -> str:
        return f"{self.stage} {self.seconds:.3f} s"
