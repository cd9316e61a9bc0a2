"""Characters and styles, which leads define and artists use in renders."""

import uuid
from pathlib import PurePath
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from generation.models import ModelCard
from studio.models.project import Project
from studio.models.uploads import check_lora, check_template

PROMPT_PLACE = "{prompt}"


def reference_path(reference: "Reference", _name: str) -> str:
    """A random path for a reference picture, so that no typed name becomes a path."""
    return f"references/{reference.character_id}/{uuid.uuid4().hex}.webp"


def lora_path(character: "Character", name: str) -> str:
    """A random path for LoRA weights."""
    return f"loras/{uuid.uuid4().hex}{PurePath(name).suffix.lower()}"


class Character(models.Model):
    """A character of the story: prompts, LoRA and references."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="characters")
    slug = models.SlugField(unique=True, allow_unicode=True)
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    look = models.TextField(
        max_length=1000, help_text="Prompt of the character's look, put before the shot's prompt."
    )
    negative_prompt = models.TextField(max_length=1000, blank=True)
    lora = models.FileField(
        "LoRA",
        upload_to=lora_path,
        blank=True,
        validators=[check_lora],
        help_text="Trained weights of this character, a .safetensors file.",
    )
    lora_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    lora_facts = models.JSONField(
        default=dict,
        editable=False,
        help_text="Rank and names of the LoRA, and how much of it fits each registered model.",
    )
    lora_scale = models.FloatField(
        "LoRA scale", default=1.0, validators=[MinValueValidator(-2.0), MaxValueValidator(2.0)]
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Reference(models.Model):
    """A picture of a character, re-encoded on upload."""

    character = models.ForeignKey(Character, on_delete=models.CASCADE, related_name="references")
    picture = models.ImageField(upload_to=reference_path)
    caption = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.caption or f"Reference of {self.character}"


class StyleQuerySet(models.QuerySet["Style"]):
    """Styles by user."""

    def usable_by(self, user: AbstractBaseUser | AnonymousUser) -> "StyleQuerySet":
        """Active styles that are shared or belong to one of the user's projects."""
        own = Q(project__isnull=True) | Q(project__in=Project.objects.visible_to(user))
        return self.filter(own, is_active=True)


class Style(models.Model):
    """A drawing style: a template for the prompt, and settings."""

    project = models.ForeignKey(
        Project,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="styles",
        help_text="Leave empty to share it with every project.",
    )
    slug = models.SlugField(unique=True, allow_unicode=True)
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    template = models.TextField(
        max_length=1000,
        default=PROMPT_PLACE,
        validators=[check_template],
        help_text="Text with {prompt} where the prompt goes.",
    )
    negative_prompt = models.TextField(max_length=1000, blank=True)
    model = models.ForeignKey(
        ModelCard, on_delete=models.SET_NULL, null=True, blank=True, related_name="styles"
    )
    guidance = models.FloatField(
        null=True, blank=True, validators=[MinValueValidator(0.0), MaxValueValidator(30.0)]
    )
    steps = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(150)],
        help_text="Steps of final quality; draft and standard use a share of them.",
    )
    scheduler = models.CharField(max_length=60, blank=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = StyleQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def apply(self, prompt: str) -> str:
        """Put the prompt into the template. Not `str.format`, because prompts may have braces."""
        return self.template.replace(PROMPT_PLACE, prompt)

    def settings(self) -> dict[str, Any]:
        """The settings that this style defines."""
        defined = {"guidance": self.guidance, "scheduler": self.scheduler or None}
        return {name: value for name, value in defined.items() if value is not None}
