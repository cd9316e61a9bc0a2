"""Output: a finished file, its thumbnail and its hash."""

import uuid

from django.db import models
from django.utils import timezone

FRAMES_KIND = "frames"
"""The kind of a zip of lossless frames."""


class OutputQuerySet(models.QuerySet["Output"]):
    """Files and their retention."""

    def hold(self) -> int:
        """Keep these files until they are released, regardless of age. Returns their number."""
        return self.update(ageing_since=None)

    def release(self) -> int:
        """Start the retention period of the held files. Returns their number."""
        return self.filter(ageing_since=None).update(ageing_since=timezone.now())


class Output(models.Model):
    """One file that a job made. Sizes are in pixels; `bytes` is the size of the file."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.ForeignKey("generation.Job", on_delete=models.CASCADE, related_name="outputs")
    attempt = models.ForeignKey(
        "generation.Attempt", on_delete=models.CASCADE, related_name="outputs"
    )
    kind = models.CharField(max_length=20, default="image")
    file = models.FileField(max_length=300)
    thumbnail = models.FileField(max_length=300, blank=True)
    strip = models.FileField(
        max_length=300, blank=True, help_text="Frames side by side, for scrubbing."
    )
    strip_frames = models.PositiveSmallIntegerField(default=0)
    media_type = models.CharField(max_length=60)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    frames = models.PositiveIntegerField(default=1)
    fps = models.FloatField(null=True)
    bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    consistency = models.JSONField(
        null=True, help_text="Temporal consistency of a clip, frame by frame."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    ageing_since = models.DateTimeField(
        null=True,
        default=timezone.now,
        help_text="Start of the retention period; null: held.",
    )

    objects = OutputQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "pk"]

    def __str__(self) -> str:
        return f"{self.kind} {self.width}x{self.height}"
