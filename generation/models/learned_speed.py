"""LearnedSpeed: the learned speeds of a model on a device, of a size independent of history."""

from django.db import models


class LearnedSpeed(models.Model):
    """One row per device and model. `subject` is the model's slug; empty for enhancements.

    `version` counts the changes, so that a process reads only changed rows again.
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
