"""Projects with their members and sequences, and shots."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Model, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from studio.admin.characters import delete_pictures
from studio.admin.deleting import SaysWhatHolds
from studio.admin.display import newest_picture, output_picture, short
from studio.admin.editing import EditForm, HeedsOthers
from studio.admin.permissions import OfProject, is_superuser
from studio.admin.removed_rows import HeedingFormSet
from studio.admin.sentences import PROJECT_STAYS, SHOT_STAYS
from studio.forms.named import NamedForm, NamedFormSet
from studio.models import Membership, Project, Reference, Sequence, Shot


class MembershipInline(HeedsOthers, OfProject, admin.TabularInline):
    """A project's members and their roles."""

    model = Membership
    form = EditForm
    formset = HeedingFormSet
    extra = 0


class SequenceForm(EditForm, NamedForm):
    """The form of a sequence."""


class SequenceFormSet(HeedingFormSet, NamedFormSet):
    """The sequences of a project, whose names differ."""


class SequenceInline(HeedsOthers, OfProject, admin.TabularInline):
    """A project's sequences."""

    model = Sequence
    form = SequenceForm
    formset = SequenceFormSet
    fields = ["order", "name", "slug"]
    prepopulated_fields = {"slug": ["name"]}
    extra = 0


class ProjectForm(EditForm, NamedForm):
    """The form of a project."""


@admin.register(Project)
class ProjectAdmin(HeedsOthers, SaysWhatHolds, OfProject, admin.ModelAdmin):
    """Projects. Leads change their own; only superusers add and delete projects."""

    form = ProjectForm
    otherwise = PROJECT_STAYS
    project_path = "pk"
    list_display = ["name", "slug", "member_count", "shot_count", "created_at"]
    search_fields = ["name", "slug", "description"]
    prepopulated_fields = {"slug": ["name"]}
    fields = ["name", "slug", "description", "four_eyes"]
    inlines = [MembershipInline, SequenceInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        """Annotated with the numbers of members and shots."""
        rows: QuerySet[Project] = super().get_queryset(request)
        return rows.annotate(
            people=Count("memberships", distinct=True), shots_planned=Count("shots", distinct=True)
        )

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Superusers only, because a new project has no lead yet."""
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Superusers only. Takes prevent it, as they belong to the history."""
        return is_superuser(request)

    def delete_model(self, request: HttpRequest, obj: Project) -> None:
        """Delete the reference pictures of its characters too."""
        delete_pictures(Reference.objects.filter(character__project=obj))
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Project]) -> None:
        """As `delete_model`, for several projects."""
        delete_pictures(Reference.objects.filter(character__project__in=queryset))
        super().delete_queryset(request, queryset)

    @admin.display(description="Members", ordering="people")
    def member_count(self, project: Any) -> int:
        """The number of members."""
        return int(project.people)

    @admin.display(description="Shots", ordering="shots_planned")
    def shot_count(self, project: Any) -> int:
        """The number of shots."""
        return int(project.shots_planned)


class ShotForm(EditForm, NamedForm):
    """The form of a shot."""

    def clean(self) -> dict[str, Any] | None:
        """Add an error for a sequence of another project."""
        cleaned = super().clean() or self.cleaned_data
        sequence, project = cleaned.get("sequence"), cleaned.get("project")
        if sequence and project and sequence.project_id != project.pk:
            self.add_error("sequence", f"{sequence} belongs to {sequence.project}.")
        return cleaned


class SequenceFilter(admin.RelatedOnlyFieldListFilter):
    """A filter that shows a sequence with its project, because names repeat between projects."""

    def field_choices(
        self, field: Any, request: HttpRequest, model_admin: admin.ModelAdmin
    ) -> list[tuple[str, Any]]:
        """The sequences of the shots that the user may see."""
        used = model_admin.get_queryset(request).values("sequence")
        rows = Sequence.objects.filter(pk__in=used).select_related("project")
        return [
            (str(row.pk), f"{row.project} / {row}") for row in rows.order_by("project", "order")
        ]


@admin.register(Shot)
class ShotAdmin(HeedsOthers, SaysWhatHolds, OfProject, admin.ModelAdmin):
    """Shots, in order."""

    form = ShotForm
    otherwise = SHOT_STAYS
    list_display = [
        "newest",
        "name",
        "slug",
        "project",
        "sequence",
        "order",
        "prompt_begins",
        "take_count",
    ]
    list_display_links = ["newest", "name"]
    list_editable = ["order"]
    list_filter = [("project", admin.RelatedOnlyFieldListFilter), ("sequence", SequenceFilter)]
    list_select_related = ["project", "sequence"]
    search_fields = ["name", "slug", "description", "prompt"]
    prepopulated_fields = {"slug": ["name"]}
    fields = ["project", "sequence", "name", "slug", "order", "description", "prompt"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Shot]:
        """Annotated with the columns of the list, in one query."""
        rows: QuerySet[Shot] = super().get_queryset(request)
        return rows.annotate(
            takes_made=Count("takes"),
            newest_output=newest_picture(job__take__shot=OuterRef("pk")),
        )

    @admin.display(description="Newest take")
    def newest(self, shot: Any) -> SafeString:
        """The newest picture of the shot."""
        return output_picture(shot.newest_output, f"Newest take of {shot.name}")

    @admin.display(description="Prompt", ordering="prompt")
    def prompt_begins(self, shot: Shot) -> str:
        """The beginning of the prompt."""
        return short(shot.prompt)

    @admin.display(description="Takes", ordering="takes_made")
    def take_count(self, shot: Any) -> int:
        """The number of takes."""
        return int(shot.takes_made)
