"""Take: one attempt at a shot, and what people decided about it."""

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models
from django.urls import reverse

from generation.models import Output
from generation.specs import Quality
from generation.states import Status
from studio.models.cast import Character, Style
from studio.models.project import Project, Shot


class Verdict(models.TextChoices):
    """What people think of a take; beside, and never instead of, its job's status."""

    NONE = "none", "Not in review"
    PENDING = "pending", "In review"
    APPROVED = "approved", "Approved"
    CHANGES_REQUESTED = "changes_requested", "Changes requested"

    @property
    def icon(self) -> str:
        """A shape of its own for each verdict, so that colour never speaks alone."""
        return {"none": "·", "pending": "?", "approved": "✓", "changes_requested": "↺"}[self.value]


class TakeQuerySet(models.QuerySet["Take"]):
    """Takes as pages need them."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> "TakeQuerySet":
        """Takes of projects the user is a member of."""
        return self.filter(shot__project__in=Project.objects.visible_to(user))

    def for_pages(self) -> "TakeQuerySet":
        """With what every fragment shows, in a fixed number of queries."""
        return self.select_related(
            "shot__project",
            "character",
            "style",
            "created_by",
            "job__owner",
            "job__device",
            "job__progress",
            "draft",
        ).prefetch_related("job__outputs")


class Take(models.Model):
    """A job seen as an attempt at a shot. `draft` is the approved take that this one finishes."""

    shot = models.ForeignKey(Shot, on_delete=models.CASCADE, related_name="takes")
    number = models.PositiveIntegerField()
    job = models.OneToOneField("generation.Job", on_delete=models.CASCADE, related_name="take")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="takes"
    )
    prompt = models.TextField(help_text="What was typed, before character and style.")
    character = models.ForeignKey(
        Character, on_delete=models.SET_NULL, null=True, related_name="takes"
    )
    style = models.ForeignKey(Style, on_delete=models.SET_NULL, null=True, related_name="takes")
    draft = models.OneToOneField("self", on_delete=models.SET_NULL, null=True, related_name="final")
    verdict = models.CharField(
        max_length=20, choices=Verdict.choices, default=Verdict.NONE, db_index=True
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TakeQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["shot", "number"], name="take_number_unique")
        ]
        indexes = [models.Index(fields=["-created_at"], name="take_newest")]

    def __str__(self) -> str:
        return f"{self.shot.name}, take {self.number}"

    def get_absolute_url(self) -> str:
        """The take's page."""
        return reverse("take", args=[self.pk])

    @property
    def judgement(self) -> Verdict:
        """The verdict with its label and icon."""
        return Verdict(self.verdict)

    @property
    def output(self) -> Output | None:
        """The take's picture; None until its job is done."""
        return next(iter(self.job.outputs.all()), None)

    @property
    def is_final(self) -> bool:
        """Whether approving it signs it off, with nothing more to render."""
        return bool(self.job.quality == Quality.FINAL)

    @property
    def may_enter_review(self) -> bool:
        """A finished take that nobody has judged yet, and that a model drew.

        What was made larger or smoother comes from a take that has a verdict of its own.
        """
        return (
            self.job.status == Status.COMPLETED
            and self.job.spec.draws
            and self.verdict in (Verdict.NONE, Verdict.CHANGES_REQUESTED)
        )
