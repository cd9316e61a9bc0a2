"""Review: a request for a verdict on a take, and the verdict."""

from django.conf import settings
from django.db import models

from studio.models.take import Take, Verdict


class Review(models.Model):
    """One round of review. A take may have several; at most one is pending."""

    take = models.ForeignKey(Take, on_delete=models.CASCADE, related_name="reviews")
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews_requested"
    )
    requested_at = models.DateTimeField(auto_now_add=True)
    message = models.TextField(blank=True, max_length=2000)
    verdict = models.CharField(
        max_length=20, choices=Verdict.choices, default=Verdict.PENDING, db_index=True
    )
    # Who withdrew it, for a withdrawn one.
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="reviews_given"
    )
    decided_at = models.DateTimeField(null=True)
    comment = models.TextField(blank=True, max_length=2000)

    class Meta:
        ordering = ["requested_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["take"],
                condition=models.Q(verdict=Verdict.PENDING.value),
                name="review_one_pending",
            )
        ]

    def __str__(self) -> str:
        return f"{self.take}: {self.get_verdict_display()}"

    @property
    def judgement(self) -> Verdict:
        """The verdict with its label and icon."""
        return Verdict(self.verdict)
