"""Attempt: one try at a job on one device, with the seconds each stage took."""

from django.db import models
from django.utils import timezone

from generation.states import Outcome, Stage, choices


class AttemptQuerySet(models.QuerySet["Attempt"]):
    """History that estimates may learn from."""

    def comparable(self) -> "AttemptQuerySet":
        """Completed ones that ran alone and from the start: their run times mean the same."""
        return self.filter(
            outcome=Outcome.COMPLETED,
            resumed_from=0,
            batch_size=1,
            run_seconds__isnull=False,
        )


class Attempt(models.Model):
    """What ran where and how it ended. The row with outcome `running` holds the lease."""

    job = models.ForeignKey("generation.Job", on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    device = models.ForeignKey(
        "generation.Device", on_delete=models.SET_NULL, null=True, related_name="attempts"
    )
    device_name = models.CharField(max_length=60)
    shape = models.CharField(
        max_length=600, help_text="JSON of what makes the run times of jobs alike."
    )
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=12, choices=choices(Outcome), default=Outcome.RUNNING)
    cold = models.BooleanField(null=True, help_text="True when the model had to be loaded first.")
    run_seconds = models.FloatField(null=True, help_text="From the claim to the end.")
    load_seconds = models.FloatField(default=0.0, help_text="Of those, for loading the model.")
    resumed_from = models.PositiveSmallIntegerField(
        default=0,
        help_text="Steps (of an enhancement frames) that a former attempt had made.",
    )
    batch_size = models.PositiveSmallIntegerField(
        default=1, help_text="How many jobs were denoised together."
    )
    host_load = models.FloatField(
        default=0.0, help_text="Other work on the host meanwhile: runnable threads for each core."
    )
    host_load_before = models.FloatField(
        default=0.0, help_text="The same when it was claimed: all that an estimate can know."
    )
    precision = models.CharField(max_length=10, blank=True, help_text="Such as float16.")
    estimated_seconds = models.FloatField(null=True, help_text="Estimated run time at the claim.")
    estimated_at_quarter = models.FloatField(
        null=True, help_text="Estimated run time, a quarter of the way through."
    )
    lowered = models.JSONField(default=list, help_text="Settings lowered to make it fit.")
    error_code = models.CharField(max_length=40, blank=True)
    error_message = models.TextField(blank=True)

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
    def is_comparable(self) -> bool:
        """Whether its run time says how long its like takes; see the queryset's `comparable`."""
        return not self.resumed_from and self.batch_size == 1

    @property
    def outcome_label(self) -> str:
        """How it ended, in words."""
        return Outcome(self.outcome).label


class StageTiming(models.Model):
    """Seconds that one stage of one attempt took; `steps` holds each denoising step's own."""

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
