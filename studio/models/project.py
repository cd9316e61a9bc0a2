"""Projects with their members, sequences and shots."""

import re

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models
from django.urls import reverse

SKETCHBOOK_SHOT = "sketches"
"""Slug of the shot for takes that were requested without a shot."""

CALIBRATION_SHOT = "calibration"
"""Slug of the shot, in a sketchbook, for the renders of a calibration."""


class Role(models.TextChoices):
    """What a person may do in a project."""

    ARTIST = "artist", "Artist"
    REVIEWER = "reviewer", "Reviewer"
    ADMIN = "admin", "Admin"


class ProjectQuerySet(models.QuerySet["Project"]):
    """Projects by user."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> "ProjectQuerySet":
        """Projects that the user is a member of; all projects for a superuser."""
        if getattr(user, "is_superuser", False):
            return self
        return self.filter(members=user.pk) if user.pk else self.none()


class Project(models.Model):
    """One production, visible to its members only."""

    RESERVED_SLUGS = re.compile(r"sketchbook-[0-9]+")

    slug = models.SlugField(unique=True, allow_unicode=True)
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True)
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="Membership", related_name="projects"
    )
    four_eyes = models.BooleanField(
        "four eyes",
        default=False,
        help_text="Nobody approves a take of their own, admins and superusers neither.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """URL of the project's board."""
        return reverse("project", args=[self.slug])

    @property
    def group(self) -> str:
        """The group that receives all live events of this project."""
        return f"project.{self.pk}"


class Membership(models.Model):
    """A person's role in a project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.ARTIST)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "user"], name="membership_unique")
        ]

    def __str__(self) -> str:
        return f"{self.user} in {self.project}: {self.get_role_display()}"


class Sequence(models.Model):
    """An ordered group of shots."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="sequences")
    slug = models.SlugField(allow_unicode=True)
    name = models.CharField(max_length=100)
    order = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["order", "slug"]
        constraints = [
            models.UniqueConstraint(fields=["project", "slug"], name="sequence_slug_unique")
        ]

    def __str__(self) -> str:
        return self.name


class Shot(models.Model):
    """One picture or clip of the production, with any number of takes."""

    RESERVED_SLUGS = re.compile(f"{SKETCHBOOK_SHOT}|{CALIBRATION_SHOT}")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="shots")
    sequence = models.ForeignKey(
        Sequence, on_delete=models.SET_NULL, null=True, blank=True, related_name="shots"
    )
    slug = models.SlugField(allow_unicode=True)
    name = models.CharField(max_length=100)
    description = models.TextField(blank=True, help_text="Content of the shot.")
    prompt = models.TextField(
        blank=True, max_length=2000, help_text="Initial prompt of a new take."
    )
    order = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["sequence__order", "order", "slug"]
        constraints = [models.UniqueConstraint(fields=["project", "slug"], name="shot_slug_unique")]

    def __str__(self) -> str:
        return f"{self.project} / {self.name}"

    def get_absolute_url(self) -> str:
        """URL of the shot's page."""
        return reverse("shot", args=[self.project.slug, self.slug])
