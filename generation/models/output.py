"""Output: a finished file, its thumbnail and what identifies its content."""

import uuid

from django.db import models
from django.utils import timezone

# The kind of a zip of lossless frames.
FRAMES_KIND = "frames"


class OutputQuerySet(models.QuerySet["Output"]):
    """Files, and how long they are kept."""

    def hold(self) -> int:
        """Keep these until they are released, however old they get; how many they are."""
        return self.update(ageing_since=None)

    def release(self) -> int:
        """Let the days of these that are held begin to count; how many they are."""
        return self.filter(ageing_since=None).update(ageing_since=timezone.now())


class Output(models.Model):
    """One file that a job made. Sizes in pixels, `bytes` of the file itself."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    job = models.ForeignKey("generation.Job", on_delete=models.CASCADE, related_name="outputs")
    attempt = models.ForeignKey(
        "generation.Attempt", on_delete=models.CASCADE, related_name="outputs"
    )
    kind = models.CharField(max_length=20, default="image")
    file = models.FileField(max_length=300)
    thumbnail = models.FileField(max_length=300, blank=True)
    strip = models.FileField(
        max_length=300, blank=True, help_text="Frames side by side, to be looked through."
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
        null=True, help_text="How well a clip's frames follow from one another, frame by frame."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    ageing_since = models.DateTimeField(
        null=True,
        default=timezone.now,
        help_text="Since when its days count, if it is kept for some days only; null: held.",
    )

    objects = OutputQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "pk"]

    def __str__(self) -> str:
        return f"{self.kind} {self.width}x{self.height}"
