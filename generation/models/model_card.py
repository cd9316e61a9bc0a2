"""ModelCard: weights that can be used, and how they like to be used."""

import hashlib
from pathlib import Path

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models, transaction

from generation.field import MediaType
from generation.limits import Limits
from generation.pipelines.model_files import ModelFiles
from generation.pipelines.registry import family
from generation.specs import SIZE_MULTIPLE, Quality


class ModelCardQuerySet(models.QuerySet["ModelCard"]):
    """Which models can be asked for."""

    def active(self) -> "ModelCardQuerySet":
        """Those that a lead has not switched off, the preferred one first."""
        return self.filter(is_active=True).order_by("-is_default", "name")

    def making(self, media_type: str) -> "list[ModelCard]":
        """Those that make such a medium; the first is for requests that name none."""
        return [card for card in self.active() if media_type in card.types]

    def animating(self, base: "ModelCard") -> "ModelCard | None":
        """The motion adapter to use when somebody asks for a clip by a model for pictures."""
        return self.active().filter(base=base).first()

    def make_default(self, card: "ModelCard") -> list["ModelCard"]:
        """Use a card when nobody names one; the cards that were, for one of its media, before."""
        others = self.filter(is_default=True).exclude(pk=card.pk)
        with transaction.atomic():
            former = [other for other in others if set(other.types) & set(card.types)]
            self.filter(pk__in=[other.pk for other in former]).update(is_default=False)
            self.filter(pk=card.pk).update(is_default=True)
        return former


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
    weights_bytes = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="Size of the files of weights that are loaded."
    )
    parameters = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="How many numbers its weights have."
    )
    channels = models.PositiveIntegerField(
        default=320, editable=False, help_text="Width of the denoiser at full size."
    )
    costs = models.JSONField(
        default=dict,
        editable=False,
        help_text="FLOPs of its parts, counted from its configuration.",
    )
    base = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="adapters",
        help_text="The model that a motion adapter animates; empty for every other model.",
    )
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
    frames = models.PositiveIntegerField(default=16, help_text="Usual length of a clip.")
    fps = models.FloatField(
        default=8.0, validators=[MinValueValidator(1.0)], help_text="Usual frames a second."
    )
    context_frames = models.PositiveSmallIntegerField(
        default=16,
        validators=[MinValueValidator(2)],
        help_text="Frames denoised together; longer clips are made of overlapping windows.",
    )
    max_frames = models.PositiveIntegerField(default=1440, help_text="Longest clip.")
    max_subjects = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="People in one picture that it draws well; empty: any number. Prompts of more "
        "go to another model, where nobody named one.",
    )
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
    def loaded_bytes(self) -> int:
        """Size of the files of all weights that it draws with, those of its base among them."""
        return self.weights_bytes + (self.base.weights_bytes if self.base else 0)

    @property
    def all_parameters(self) -> int:
        """How many numbers all weights that it draws with have, those of its base among them."""
        return self.parameters + (self.base.parameters if self.base else 0)

    @property
    def limits(self) -> Limits:
        """What may be asked of this model."""
        can = family(self.family)
        return Limits(
            types=tuple(self.types),
            min_size=self.min_size + -self.min_size % SIZE_MULTIPLE,
            max_size=self.max_size,
            max_frames=self.max_frames if MediaType.VIDEO in self.types else 1,
            lora=can.lora,
            begins_with_picture=can.begins_with_picture,
            accelerates=can.accelerates,
        )

    @property
    def files(self) -> ModelFiles:
        """What a pipeline loads."""
        base = self.base.files if self.base else None
        whole = self.weights_hash
        if base is not None:
            whole = hashlib.sha256(f"{whole}{base.weights_hash}".encode()).hexdigest()
        return ModelFiles(self.slug, self.family, self.path, whole, base)

    def steps_for(self, quality: str) -> int:
        """Denoising steps of a quality with this model."""
        return {
            Quality.DRAFT: self.draft_steps,
            Quality.STANDARD: self.standard_steps,
            Quality.FINAL: self.final_steps,
        }[Quality(quality)]
