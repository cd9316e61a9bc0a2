"""ModelCard: a registered model with its limits and default settings."""

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
    """Models that can be requested."""

    def active(self) -> "ModelCardQuerySet":
        """Models that are not switched off, the default ones first."""
        return self.filter(is_active=True).order_by("-is_default", "name")

    def making(self, media_type: str) -> "list[ModelCard]":
        """Active models of a media type. The first is used by requests that name no model."""
        return [card for card in self.active() if media_type in card.types]

    def animating(self, base: "ModelCard") -> "ModelCard | None":
        """The motion adapter for clips by an image model; None if there is none."""
        return self.active().filter(base=base).first()

    def make_default(self, card: "ModelCard") -> list["ModelCard"]:
        """Make a card the default of its media types. Returns the cards that it replaces."""
        others = self.filter(is_default=True).exclude(pk=card.pk)
        with transaction.atomic():
            former = [other for other in others if set(other.types) & set(card.types)]
            self.filter(pk__in=[other.pk for other in former]).update(is_default=False)
            self.filter(pk=card.pk).update(is_default=True)
        return former


class ModelCard(models.Model):
    """A model folder in diffusers' layout, with limits and default settings."""

    slug = models.SlugField(unique=True, allow_unicode=True)
    name = models.CharField(max_length=100)
    family = models.CharField(
        max_length=40, help_text="Model family, a module of `pipelines/families`."
    )
    folder = models.CharField(
        max_length=500,
        help_text="Path of the model's folder, absolute or relative to the project's root.",
    )
    weights_hash = models.CharField(max_length=64, editable=False)
    recorded_files = models.JSONField(
        default=dict,
        editable=False,
        help_text="Its files when it was registered: size, mtime_ns and sha256 by name.",
    )
    changed_at = models.DateTimeField(
        "changed on disk",
        null=True,
        editable=False,
        help_text="Since when its files differ from those; no render uses it meanwhile.",
    )
    weights_bytes = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="Size of the weights files that are loaded."
    )
    parameters = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="Number of parameters."
    )
    channels = models.PositiveIntegerField(
        default=320, editable=False, help_text="Channels of the denoiser at full resolution."
    )
    costs = models.JSONField(
        default=dict,
        editable=False,
        help_text="FLOPs of its components, computed from their configurations.",
    )
    base = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="adapters",
        help_text="The model that a motion adapter animates; empty for every other model.",
    )
    types = models.JSONField(
        default=list, help_text='Media types that it makes, for example ["image"].'
    )
    scheduler = models.CharField(
        max_length=60,
        blank=True,
        help_text="A diffusers class such as EulerDiscreteScheduler; empty: the model's default.",
    )
    guidance = models.FloatField(default=7.5, validators=[MinValueValidator(0.0)])
    width = models.PositiveIntegerField(default=512, help_text="Default width in pixels.")
    height = models.PositiveIntegerField(default=512, help_text="Default height in pixels.")
    min_size = models.PositiveIntegerField(default=256, help_text="Shortest side in pixels.")
    max_size = models.PositiveIntegerField(default=1024, help_text="Longest side in pixels.")
    frames = models.PositiveIntegerField(
        default=16, help_text="Default number of frames of a clip."
    )
    fps = models.FloatField(
        default=8.0, validators=[MinValueValidator(1.0)], help_text="Default frames per second."
    )
    context_frames = models.PositiveSmallIntegerField(
        default=16,
        validators=[MinValueValidator(2)],
        help_text="Frames denoised together; longer clips use overlapping windows.",
    )
    max_frames = models.PositiveIntegerField(default=1440, help_text="Most frames of a clip.")
    max_subjects = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Most people in one picture that it draws well; empty: any number. Prompts with "
        "more go to another model if the request names none.",
    )
    draft_steps = models.PositiveSmallIntegerField(default=10, validators=[MinValueValidator(1)])
    standard_steps = models.PositiveSmallIntegerField(default=25, validators=[MinValueValidator(1)])
    final_steps = models.PositiveSmallIntegerField(default=40, validators=[MinValueValidator(1)])
    description = models.TextField(blank=True)
    licence = models.CharField(max_length=100, blank=True)
    is_active = models.BooleanField(default=True)
    is_default = models.BooleanField(default=False, help_text="Used if a request names no model.")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ModelCardQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def path(self) -> Path:
        """The absolute path of the folder."""
        return Path(settings.BASE_DIR) / self.folder

    @property
    def loaded_bytes(self) -> int:
        """Size of all weights files that a render loads, including those of the base model."""
        return self.weights_bytes + (self.base.weights_bytes if self.base else 0)

    @property
    def all_parameters(self) -> int:
        """Number of parameters, including those of the base model."""
        return self.parameters + (self.base.parameters if self.base else 0)

    @property
    def limits(self) -> Limits:
        """The limits of requests for this model."""
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
        """The model's files, as a pipeline loads them."""
        base = self.base.files if self.base else None
        whole = self.weights_hash
        if base is not None:
            whole = hashlib.sha256(f"{whole}{base.weights_hash}".encode()).hexdigest()
        return ModelFiles(self.slug, self.family, self.path, whole, base)

    def steps_for(self, quality: str) -> int:
        """This model's number of denoising steps for a quality."""
        return {
            Quality.DRAFT: self.draft_steps,
            Quality.STANDARD: self.standard_steps,
            Quality.FINAL: self.final_steps,
        }[Quality(quality)]
