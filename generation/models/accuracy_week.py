"""AccuracyWeek: the accuracy of a week's estimates, kept when stage timings are deleted."""

from django.db import models


class AccuracyWeek(models.Model):
    """Sums over the estimates of one week, device, family of models and kind of work.

    `errors` is the sum of |estimate - actual| / actual. `within` counts errors of at most 20 %,
    `covered` the estimates whose range contains the actual time.
    """

    week = models.DateField(help_text="Monday of the week.")
    device_name = models.CharField(max_length=60)
    family = models.CharField(max_length=40, blank=True)
    work = models.CharField(max_length=12)
    count = models.PositiveIntegerField(default=0)
    within = models.PositiveIntegerField(default=0)
    covered = models.PositiveIntegerField(default=0)
    errors = models.FloatField(default=0.0)
    run_seconds = models.FloatField(default=0.0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["week", "device_name", "family", "work"], name="accuracy_week_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.week} {self.device_name} {self.family} {self.work}: {self.count}"
