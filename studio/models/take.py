"""Take: one attempt at a shot, and its verdict."""

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import models
from django.urls import reverse

from generation.models import Output
from generation.specs import Quality, RenderSpec
from generation.states import Status
from studio.models.cast import Character, Style
from studio.models.project import Project, Shot


class Verdict(models.TextChoices):
    """The reviewers' verdict on a take, independent of the status of its job."""

    NONE = "none", "Not in review"
    PENDING = "pending", "In review"
    APPROVED = "approved", "Approved"
    CHANGES_REQUESTED = "changes_requested", "Changes requested"
    # Only of a round of review; the take's verdict goes back to what it was before that round.
    WITHDRAWN = "withdrawn", "Withdrawn"

    @property
    def icon(self) -> str:
        """A distinct character for each verdict, because colour alone is not accessible."""
        icons = {"none": "·", "pending": "?", "approved": "✓", "changes_requested": "↺"}
        return {**icons, "withdrawn": "↩"}[self.value]


class TakeQuerySet(models.QuerySet["Take"]):
    """Takes by user and for pages."""

    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> "TakeQuerySet":
        """Takes of projects that are visible to the user, without those in the trash."""
        return self.kept().filter(shot__project__in=Project.objects.visible_to(user))

    def kept(self) -> "TakeQuerySet":
        """Takes that are not in the trash."""
        return self.filter(job__trashed_at=None)

    def for_pages(self) -> "TakeQuerySet":
        """Select the relations that every fragment shows, in a fixed number of queries."""
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
    """One attempt at a shot, made by one job.

    `draft` is the approved draft that this take renders in final quality. What the final of a draft
    will be is settled when the draft is made: later changes of style and model do not change it.
    """

    shot = models.ForeignKey(Shot, on_delete=models.PROTECT, related_name="takes")
    number = models.PositiveIntegerField()
    job = models.OneToOneField("generation.Job", on_delete=models.CASCADE, related_name="take")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="takes"
    )
    prompt = models.TextField(help_text="Prompt as typed, without character and style.")
    character = models.ForeignKey(
        Character, on_delete=models.SET_NULL, null=True, related_name="takes"
    )
    style = models.ForeignKey(Style, on_delete=models.SET_NULL, null=True, related_name="takes")
    draft = models.OneToOneField("self", on_delete=models.SET_NULL, null=True, related_name="final")
    final_spec_data = models.JSONField(
        null=True, editable=False, help_text="Settings of its final; empty if it has none."
    )
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
        """URL of the take's page."""
        return reverse("take", args=[self.pk])

    @property
    def judgement(self) -> Verdict:
        """The verdict with its label and icon."""
        return Verdict(self.verdict)

    @property
    def output(self) -> Output | None:
        """The first output; None until the job is completed."""
        return next(iter(self.job.outputs.all()), None)

    @property
    def final_spec(self) -> RenderSpec | None:
        """The settings of a draft's final; None for a take that has none.

        Raises one of UNREADABLE if another version wrote them in another form.
        """
        data = self.final_spec_data
        return None if data is None else RenderSpec.from_json(data)

    @property
    def is_final(self) -> bool:
        """Whether it has final quality, so that an approval needs no further render."""
        return bool(self.job.quality == Quality.FINAL)

    def is_left_to_others(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        """Whether the person made it, in a project where nobody approves a take of their own."""
        return self.shot.project.four_eyes and self.created_by_id == user.pk

    @property
    def may_enter_review(self) -> bool:
        """Whether it is completed, drawn by a model, and neither in review nor approved.

        Enhancements are not reviewed, because the take that they are made from is.
        """
        return (
            self.job.status == Status.COMPLETED
            and self.job.spec.draws
            and self.verdict in (Verdict.NONE, Verdict.CHANGES_REQUESTED)
        )
