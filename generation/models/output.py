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
    media_type = models.CharField(max_length=60)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    frames = models.PositiveIntegerField(default=1)
    fps = models.FloatField(null=True)
    bytes = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return f"{self.kind} {self.width}x{self.height}"
