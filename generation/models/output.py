"""Output: a finished file, its thumbnail and what identifies its content."""

import uuid

from django.db import models


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

    class Meta:
        ordering = ["created_at", "pk"]

    def __str__(self) -> str:
        return f"{self.kind} {self.width}x{self.height}"
