"""Styles: words around the prompt, and settings."""

from copy import copy
from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from studio.admin import sentences
from studio.admin.actions import Switching
from studio.admin.deleting import SaysWhatHolds
from studio.admin.display import NOTHING, newest_picture, output_picture, render_link, short
from studio.admin.editing import EditForm, HeedsOthers
from studio.admin.fields import SchedulerField
from studio.admin.permissions import OfProject, is_superuser
from studio.forms.named import NamedForm
from studio.models import Style
from studio.models.names import free_copy_name, free_slug
from studio.presentation import flash


class StyleForm(EditForm, NamedForm):
    """The form of a style, with a choice of schedulers."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "scheduler" in self.fields:
            self.fields["scheduler"] = SchedulerField(
                own="The model's own", present=self.instance.scheduler
            )


@admin.register(Style)
class StyleAdmin(HeedsOthers, SaysWhatHolds, OfProject, Switching, admin.ModelAdmin):
    """Styles of a project, and styles shared by all projects (superusers only)."""

    form = StyleForm
    otherwise = sentences.DEACTIVATE_ROW
    list_display = [
        "shown",
        "name",
        "template_begins",
        "model",
        "settings_words",
        "whose",
        "is_active",
        "try_it",
    ]
    list_display_links = ["shown", "name"]
    list_filter = [
        ("project", admin.RelatedOnlyFieldListFilter),
        ("model", admin.RelatedOnlyFieldListFilter),
        "is_active",
    ]
    list_select_related = ["project", "model"]
    search_fields = ["name", "slug", "template", "description"]
    prepopulated_fields = {"slug": ["name"]}
    readonly_fields = ["shown"]
    actions = ["activate", "deactivate", "duplicate"]
    fieldsets = [
        (None, {"fields": ["shown", "project", "name", "slug", "description", "is_active"]}),
        ("Words", {"fields": ["template", "negative_prompt"]}),
        (
            "Settings",
            {
                "description": "Empty fields use the model's settings.",
                "fields": ["model", "guidance", "steps", "scheduler"],
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Style]:
        """Annotated with each style's newest output that the user may see."""
        rows = {"job__take__style": OuterRef("pk")}
        if not is_superuser(request):
            # A member may have used the style in another project, which the user may not see.
            rows["job__take__shot__project"] = OuterRef("project")
        styles: QuerySet[Style] = super().get_queryset(request)
        return styles.annotate(newest_output=newest_picture(**rows))

    @admin.action(description="Duplicate", permissions=["add"])
    def duplicate(self, request: HttpRequest, queryset: QuerySet[Style]) -> None:
        """Make inactive copies of styles."""
        names = []
        for style in queryset:
            twin = copy(style)
            twin.pk, twin._state.adding = None, True
            others = Style.objects.filter(project=style.project)
            twin.name = free_copy_name(style.name, others.values_list("name", flat=True))
            twin.slug = free_slug(twin.name, Style.objects.all())
            twin.is_active = False
            with transaction.atomic():
                twin.save()
                self.log_addition(request, twin, f"Duplicated from {style}.")
            names.append(twin.name)
        flash.success(request, sentences.DUPLICATED.said(names=", ".join(names)))

    @admin.display(description="Newest take")
    def shown(self, style: Any) -> SafeString:
        """The newest picture with this style, or a dash."""
        # A new style's form has no annotated row.
        newest = getattr(style, "newest_output", None)
        if newest is None:
            return format_html('<span class="quiet">{}</span>', NOTHING)
        return output_picture(newest, f"Newest take in {style.name}")

    @admin.display(description="Template", ordering="template")
    def template_begins(self, style: Style) -> str:
        """The beginning of the template."""
        return short(style.template)

    @admin.display(description="Project", ordering="project__name")
    def whose(self, style: Style) -> str:
        """The project that may use it."""
        return str(style.project or "Every project")

    @admin.display(description="Settings")
    def settings_words(self, style: Style) -> str:
        """The settings that the style sets."""
        words = [f"{name} {value}" for name, value in style.settings().items()]
        words += [f"{style.steps} steps"] if style.steps else []
        return ", ".join(words) or NOTHING

    @admin.display(description="")
    def try_it(self, style: Style) -> SafeString:
        """A link to the render page with this style chosen."""
        return render_link("Try this style", style=style.slug)
