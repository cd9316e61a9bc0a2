"""The admin pages of model cards."""

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from generation.errors import SpecError
from generation.models import ModelCard
from generation.specs import SIZE_MULTIPLE
from studio.admin import sentences
from studio.admin.actions import Switching
from studio.admin.deleting import SaysWhatHolds
from studio.admin.display import NOTHING, badge, short_hash, to_the_second
from studio.admin.editing import EditForm, HeedsOthers
from studio.admin.fields import SchedulerField
from studio.forms.named import NamedForm
from studio.presentation import flash
from studio.production import weights


class ModelCardForm(EditForm, NamedForm):
    """A model's usual settings, which must be within its limits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "scheduler" in self.fields:
            self.fields["scheduler"] = SchedulerField(
                own="The one of the model's folder", present=self.instance.scheduler
            )

    def clean(self) -> dict[str, Any] | None:
        """Add errors for settings that no render could have."""
        cleaned = super().clean() or self.cleaned_data
        low, high = cleaned.get("min_size"), cleaned.get("max_size")
        if low is None or high is None:
            return cleaned
        for name in ("width", "height"):
            pixels = cleaned.get(name)
            if pixels is not None and (not low <= pixels <= high or pixels % SIZE_MULTIPLE):
                self.add_error(
                    name, f"Allowed: multiples of {SIZE_MULTIPLE} from {low} to {high} pixels."
                )
        steps = [cleaned.get(f"{quality}_steps") or 0 for quality in ("draft", "standard", "final")]
        if all(steps) and steps != sorted(steps):
            self.add_error("standard_steps", "A better quality never has fewer steps.")
        return cleaned


@admin.register(ModelCard)
class ModelCardAdmin(HeedsOthers, SaysWhatHolds, Switching, admin.ModelAdmin):
    """A model's usual settings and limits. Its weights are read from its folder."""

    form = ModelCardForm
    otherwise = sentences.DEACTIVATE_MODEL
    list_display = ["name", "slug", "family", "size", "makes", "is_active", "default", "on_disk"]
    list_filter = ["family", "is_active"]
    search_fields = ["name", "slug", "description"]
    actions = ["set_as_default", "accept_files", "activate", "deactivate"]
    readonly_fields = [
        *("slug", "family", "folder", "content", "on_disk", "makes", "default", "base"),
    ]
    fieldsets = [
        (None, {"fields": ["name", "slug", "description", "licence", "is_active", "default"]}),
        ("Sizes", {"fields": [("width", "height"), ("min_size", "max_size")]}),
        ("Clips", {"fields": [("frames", "fps"), ("context_frames", "max_frames"), "base"]}),
        (
            "Settings",
            {
                "fields": [
                    "guidance",
                    "scheduler",
                    ("draft_steps", "standard_steps", "final_steps"),
                    "max_subjects",
                ]
            },
        ),
        ("Weights", {"fields": ["family", "makes", "folder", "content", "on_disk"]}),
    ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody, because `manage.py register_model` makes the card from the folder."""
        return False

    @admin.action(description="Set as default", permissions=["change"])
    def set_as_default(self, request: HttpRequest, queryset: QuerySet[ModelCard]) -> None:
        """Use the model for requests that name none. There is one default for each media type."""
        cards = list(queryset[:2])
        if len(cards) != 1 or not cards[0].is_active:
            flash.error(request, sentences.CHOOSE_ONE_ACTIVE.said())
            return
        card = cards[0]
        with transaction.atomic():
            for other in ModelCard.objects.make_default(card):
                self.log_change(request, other, "No longer the default.")
            if not card.is_default:
                self.log_change(request, card, "Set as default.")
        flash.success(request, sentences.IS_DEFAULT.said(model=str(card)))

    @admin.action(description="Accept the files on disk", permissions=["change"])
    def accept_files(self, request: HttpRequest, queryset: QuerySet[ModelCard]) -> None:
        """Register the folders of the models as they are now. Old takes keep the old hash."""
        for card in queryset.select_related("base"):
            try:
                weights.accept(card)
            except SpecError as problem:
                flash.refused(request, problem)
            else:
                self.log_change(request, card, "Files on disk accepted.")
                flash.success(request, sentences.WEIGHTS_ACCEPTED.said(model=str(card)))

    @admin.display(description="On disk", ordering="changed_at")
    def on_disk(self, card: ModelCard) -> SafeString:
        """Whether the files are those that were registered, as the last load found."""
        if card.changed_at is None:
            return badge("completed", "✓", "As registered")
        return badge("failed", "!", f"Changed on disk, seen {to_the_second(card.changed_at)}")

    @admin.display(description="Usual size")
    def size(self, card: ModelCard) -> str:
        """Width and height in pixels."""
        return f"{card.width}×{card.height}"

    @admin.display(description="Makes")
    def makes(self, card: ModelCard) -> str:
        """The media types that it makes."""
        return ", ".join(card.types) or NOTHING

    @admin.display(description="SHA-256 of the weights")
    def content(self, card: ModelCard) -> str:
        """The hash of the weights, shortened."""
        return short_hash(card.weights_hash)

    @admin.display(description="Default", ordering="is_default", boolean=True)
    def default(self, card: ModelCard) -> bool:
        """True for the default model. The list's action changes it, so that there is only one."""
        return card.is_default
