"""ModelCard: weights that can be used, and how they like to be used."""

from pathlib import Path

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models

from generation.specs import SIZE_MULTIPLE, Limits, Quality


class ModelCardQuerySet(models.QuerySet["ModelCard"]):
    """Which models can be asked for."""

    def active(self) -> "ModelCardQuerySet":
        """Those that a lead has not switched off, the preferred one first."""
        return self.filter(is_active=True).order_by("-is_default", "name")

    def preferred(self) -> "ModelCard | None":
        """The model a request gets that names none."""
        return self.active().first()


class ModelCard(models.Model):
    """A folder of weights in diffusers' layout, with its limits and its usual settings."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    family = models.CharField(max_length=40, help_text="Which pipeline module renders it.")
    folder = models.CharField(
        max_length=500,
        help_text="Path of the model's folder; relative to the project's root or absolute.",
    )
    weights_hash = models.CharField(max_length=64, editable=False)
    types = models.JSONField(default=list, help_text='What it makes, for instance ["image"].')
    scheduler = models.CharField(
        max_length=60,
        blank=True,
        help_text="A diffusers class such as EulerDiscreteScheduler; empty: the model's own.",
    )
    guidance = models.FloatField(default=7.5, validators=[MinValueValidator(0.0)])
    width = models.PositiveIntegerField(default=512, help_text="Usual width in pixels.")
    height = models.PositiveIntegerField(default=512, help_text="Usual height in pixels.")
    min_size = models.PositiveIntegerField(default=256, help_text="Shortest side in pixels.")
    max_size = models.PositiveIntegerField(default=1024, help_text="Longest side in pixels.")
    draft_steps = models.PositiveSmallIntegerField(default=10, validators=[MinValueValidator(1)])
    standard_steps = models.PositiveSmallIntegerField(default=25, validators=[MinValueValidator(1)])
    final_steps = models.PositiveSmallIntegerField(default=40, validators=[MinValueValidator(1)])
    description = models.TextField(blank=True)
    licence = models.CharField(max_length=100, blank=True)
    is_active = models.BooleanField(default=True)
    is_default = models.BooleanField(default=False, help_text="Used when nobody names a model.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ModelCardQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> Path:
        """The folder as an absolute path."""
        return Path(settings.BASE_DIR) / self.folder

    @property
    def limits(self) -> Limits:
        """What may be asked of this model."""
        return Limits(
            types=tuple(self.types),
            min_size=self.min_size + -self.min_size % SIZE_MULTIPLE,
            max_size=self.max_size,
        )

    def steps_for(self, quality: str) -> int:
        """Denoising steps of a quality with this model."""
        return {
            Quality.DRAFT: self.draft_steps,
            Quality.STANDARD: self.standard_steps,
            Quality.FINAL: self.final_steps,
        }[Quality(quality)]
