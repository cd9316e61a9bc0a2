"""LearnedSpeed: what estimates know of one model on one device, kept small whatever the history."""

from django.db import models


class LearnedSpeed(models.Model):
    """One row for each device and model; `subject` is the model's slug, empty for enhancing.

    `version` counts the changes, so that a process re-reads only what has changed.
    """

    device = models.ForeignKey(
        "generation.Device", on_delete=models.CASCADE, related_name="learned_speeds"
    )
    subject = models.CharField(max_length=50, blank=True)
    version = models.PositiveIntegerField(default=1)
    state = models.JSONField(default=dict)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["device", "subject"], name="learned_speed_unique")
        ]

    def __str__(self) -> str:
        return f"{self.subject or 'enhancing'} on {self.device}"
