"""Read-only history: takes, reviews, attempts, outputs and events."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.safestring import SafeString

from generation.models import Attempt, JobEvent, Output, StageTiming
from studio.admin.actions import Trashing
from studio.admin.display import (
    NOTHING,
    badge,
    job_badge,
    newest_picture,
    output_picture,
    short,
    short_hash,
    to_the_second,
)
from studio.admin.jobs import kind_label
from studio.admin.permissions import OfProject, ReadOnly
from studio.models import Review, Take, Verdict
from studio.presentation import durations


def verdict_badge(verdict: Verdict) -> SafeString:
    """The badge of a verdict."""
    return badge(verdict.value, verdict.icon, verdict.label)


class ReviewInline(ReadOnly, OfProject, admin.TabularInline):
    """A take's rounds of review."""

    model = Review
    project_path = "take__shot__project"
    fields = ["requested_at", "requested_by", "message", "verdict", "reviewer", "comment"]
    readonly_fields = ["requested_at"]


@admin.register(Take)
class TakeAdmin(Trashing, ReadOnly, OfProject, admin.ModelAdmin):
    """Every attempt at a shot."""

    project_path = "shot__project"
    list_display = [
        "shown",
        "shot",
        "number",
        "status",
        "decided",
        "character",
        "style",
        "created_by",
        "created_at",
    ]
    list_display_links = ["shown", "shot"]
    list_filter = [
        ("shot__project", admin.RelatedOnlyFieldListFilter),
        "verdict",
        "job__status",
        ("job__trashed_at", admin.EmptyFieldListFilter),
        ("character", admin.RelatedOnlyFieldListFilter),
        ("style", admin.RelatedOnlyFieldListFilter),
    ]
    actions = ["move_to_trash", "restore", "free"]
    list_select_related = ["shot__project", "job", "character", "style", "created_by"]
    search_fields = ["shot__name", "shot__slug", "prompt", "created_by__username"]
    fields = [
        "shown",
        "shot",
        "number",
        "prompt",
        "character",
        "style",
        "decided",
        "status",
        "job",
        "draft",
        "created_by",
        "created_at",
    ]
    inlines = [ReviewInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Take]:
        """Annotated with each take's picture."""
        rows: QuerySet[Take] = super().get_queryset(request)
        return rows.annotate(newest_output=newest_picture(job__take=OuterRef("pk")))

    @admin.display(description="Picture")
    def shown(self, take: Any) -> SafeString:
        """The take's thumbnail."""
        return output_picture(take.newest_output, str(take))

    @admin.display(description="Status", ordering="job__status")
    def status(self, take: Take) -> SafeString:
        """The state of its job."""
        return job_badge(take.job)

    @admin.display(description="Verdict", ordering="verdict")
    def decided(self, take: Take) -> SafeString:
        """The badge of the verdict."""
        return verdict_badge(take.judgement)


@admin.register(Review)
class ReviewAdmin(ReadOnly, OfProject, admin.ModelAdmin):
    """All reviews. Verdicts are given on the pages of the site."""

    project_path = "take__shot__project"
    list_display = ["take", "decided", "requested_by", "requested_at", "reviewer", "said"]
    list_filter = [("take__shot__project", admin.RelatedOnlyFieldListFilter), "verdict"]
    list_select_related = ["take__shot", "requested_by", "reviewer"]
    search_fields = ["take__shot__name", "message", "comment"]
    fields = [
        "take",
        "decided",
        "requested_by",
        "requested_at",
        "message",
        "reviewer",
        "decided_at",
        "comment",
    ]

    @admin.display(description="Verdict", ordering="verdict")
    def decided(self, review: Review) -> SafeString:
        """The badge of the verdict."""
        return verdict_badge(review.judgement)

    @admin.display(description="Comment")
    def said(self, review: Review) -> str:
        """The beginning of the comment."""
        return short(review.comment)


class StageTimingInline(ReadOnly, OfProject, admin.TabularInline):
    """The seconds of each stage."""

    model = StageTiming
    project_path = "attempt__job__take__shot__project"
    verbose_name_plural = "stages"
    fields = ["stage", "seconds"]


@admin.register(Attempt)
class AttemptAdmin(ReadOnly, OfProject, admin.ModelAdmin):
    """Attempts at jobs, from which estimates are learned."""

    project_path = "job__take__shot__project"
    list_display = ["job", "number", "device_name", "ended", "started", "ran", "cold"]
    list_filter = ["outcome", "device_name", "cold"]
    list_select_related = ["job"]
    search_fields = ["=job__id", "device_name", "shape", "error_code"]
    fields = [
        "job",
        "number",
        "device_name",
        "shape",
        "started",
        "ran",
        "cold",
        "ended",
        "error_code",
        "error_message",
    ]
    inlines = [StageTimingInline]

    @admin.display(description="Started", ordering="started_at")
    def started(self, attempt: Attempt) -> str:
        """When the device claimed the job."""
        return to_the_second(attempt.started_at)

    @admin.display(description="Ran for", ordering="run_seconds")
    def ran(self, attempt: Attempt) -> str:
        """Time from the claim to the end."""
        return NOTHING if attempt.run_seconds is None else durations.short(attempt.run_seconds)

    @admin.display(description="Outcome", ordering="outcome")
    def ended(self, attempt: Attempt) -> str:
        """The outcome in words."""
        return attempt.outcome_label


@admin.register(Output)
class OutputAdmin(ReadOnly, OfProject, admin.ModelAdmin):
    """Finished files."""

    project_path = "job__take__shot__project"
    list_display = ["shown", "job", "kind", "size", "weight", "content", "created_at"]
    list_display_links = ["shown", "job"]
    list_filter = ["kind", "media_type"]
    list_select_related = ["job"]
    search_fields = ["=id", "=job__id", "sha256"]
    fields = [
        "shown",
        "job",
        "kind",
        "media_type",
        "size",
        "frames",
        "fps",
        "steadiness",
        "weight",
        "sha256",
        "stored",
        "created_at",
    ]

    @admin.display(description="Consistency")
    def steadiness(self, output: Output) -> str:
        """The score of a clip's frames."""
        return f"{output.consistency['score']:.0f} of 100" if output.consistency else NOTHING

    @admin.display(description="Picture")
    def shown(self, output: Output) -> SafeString:
        """The thumbnail."""
        return output_picture(output.pk, str(output))

    @admin.display(description="Size")
    def size(self, output: Output) -> str:
        """Width and height in pixels."""
        return f"{output.width}×{output.height}"

    @admin.display(description="File size", ordering="bytes")
    def weight(self, output: Output) -> str:
        """The size of the file."""
        return filesizeformat(output.bytes)

    @admin.display(description="Content")
    def content(self, output: Output) -> str:
        """The beginning of the file's hash."""
        return short_hash(output.sha256)

    @admin.display(description="Stored as")
    def stored(self, output: Output) -> str:
        """The name in the storage. Not a link, because stored files have no public URL."""
        return str(output.file.name)


@admin.register(JobEvent)
class JobEventAdmin(ReadOnly, OfProject, admin.ModelAdmin):
    """Events of all jobs, newest first."""

    project_path = "job__take__shot__project"
    list_display = ["moment", "what", "job", "sequence"]
    list_filter = ["kind"]
    list_select_related = ["job"]
    ordering = ["-at"]
    search_fields = ["=job__id", "kind"]
    fields = ["job", "sequence", "moment", "what", "data"]
    show_full_result_count = False

    @admin.display(description="At", ordering="at")
    def moment(self, event: JobEvent) -> str:
        """When it happened."""
        return to_the_second(event.at)

    @admin.display(description="What happened", ordering="kind")
    def what(self, event: JobEvent) -> str:
        """The event in words."""
        return kind_label(event)
