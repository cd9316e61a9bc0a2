"""Characters with their reference pictures and LoRAs."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from generation.pipelines.sentences import LORA_FITS_PARTLY
from studio.admin.actions import Switching
from studio.admin.deleting import SaysWhatHolds
from studio.admin.display import NOTHING, reference_picture, render_link, short
from studio.admin.editing import EditForm, HeedsOthers
from studio.admin.fields import PictureField, StoredFileInput
from studio.admin.permissions import OfProject
from studio.admin.removed_rows import HeedingFormSet
from studio.admin.sentences import DEACTIVATE_ROW, FIRST_FRAME_KEPT, STORED_FILE_GONE
from studio.forms.named import NamedForm
from studio.models import Character, Reference
from studio.models.lora_fits import facts_of, said_of
from studio.models.refusals import invalid
from studio.models.uploads import KeptPicture, read_lora_upload, sha256_of
from studio.presentation import flash


class ReferenceForm(EditForm):
    """A reference picture, kept only in its re-encoded form."""

    picture = PictureField(help_text="PNG, JPEG or WebP, at most 20 MB and 40 megapixels.")


class ReferenceInline(HeedsOthers, OfProject, admin.TabularInline):
    """A character's reference pictures."""

    model = Reference
    form = ReferenceForm
    formset = HeedingFormSet
    project_path = "character__project"
    fields = ["preview", "picture", "caption"]
    readonly_fields = ["preview"]
    extra = 1

    @admin.display(description="Preview")
    def preview(self, reference: Reference) -> SafeString:
        """The stored picture."""
        return reference_picture(reference.pk, str(reference) if reference.pk else "")


class CharacterForm(EditForm, NamedForm):
    """The form of a character."""

    def clean_lora(self) -> Any:
        """The upload, or the stored file. Raises ValidationError when that file is missing.

        An upload is read, and held against the registered models.
        """
        lora = self.cleaned_data["lora"]
        if lora and "lora" not in self.changed_data and not lora.storage.exists(lora.name):
            raise invalid(STORED_FILE_GONE)
        if "lora" in self.changed_data:
            self.instance.lora_facts = facts_of(read_lora_upload(lora)) if lora else {}
        return lora


@admin.register(Character)
class CharacterAdmin(HeedsOthers, SaysWhatHolds, OfProject, Switching, admin.ModelAdmin):
    """Characters, which leads define and artists use in their renders."""

    form = CharacterForm
    otherwise = DEACTIVATE_ROW
    list_display = [
        "portrait",
        "name",
        "project",
        "look_begins",
        "take_count",
        "is_active",
        "render",
    ]
    list_display_links = ["portrait", "name"]
    list_filter = [("project", admin.RelatedOnlyFieldListFilter), "is_active"]
    list_select_related = ["project"]
    search_fields = ["name", "slug", "look", "description"]
    prepopulated_fields = {"slug": ["name"]}
    readonly_fields = ["lora_content", "lora_fits"]
    inlines = [ReferenceInline]
    actions = ["activate", "deactivate"]
    fieldsets = [
        (None, {"fields": ["project", "name", "slug", "description", "is_active"]}),
        ("Words", {"fields": ["look", "negative_prompt"]}),
        ("LoRA, if there is one", {"fields": ["lora", "lora_fits", "lora_scale", "lora_content"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Character]:
        """Annotated with the columns of the list, in one query."""
        first = Reference.objects.filter(character=OuterRef("pk")).order_by("created_at")
        rows: QuerySet[Character] = super().get_queryset(request)
        return rows.annotate(
            takes_made=Count("takes"), first_reference=Subquery(first.values("pk")[:1])
        )

    def formfield_for_dbfield(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> forms.Field | None:
        """Show the name of the stored LoRA instead of a link to it."""
        if db_field.name == "lora":
            kwargs["widget"] = StoredFileInput(attrs={"accept": ".safetensors"})
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(
        self, request: HttpRequest, obj: Character, form: forms.ModelForm, change: bool
    ) -> None:
        """Save with the LoRA's hash, which goes into every render that uses it.

        What fits a model only partly is said.
        """
        if "lora" in form.changed_data:
            obj.lora_sha256 = sha256_of(obj.lora) if obj.lora else ""
            for said in said_of(obj.lora_facts):
                if said.sentence == LORA_FITS_PARTLY:
                    flash.warning(request, said)
        super().save_model(request, obj, form, change)

    def save_formset(
        self, request: HttpRequest, form: forms.ModelForm, formset: Any, change: bool
    ) -> None:
        """Delete the pictures of deleted references; say which uploads were animations."""
        super().save_formset(request, form, formset, change)
        delete_pictures(formset.deleted_objects)
        for one in formset.forms:
            kept = one.cleaned_data.get("picture")
            if isinstance(kept, KeptPicture) and kept.left_out:
                flash.warning(
                    request,
                    FIRST_FRAME_KEPT.said(name=kept.uploaded_as, frames=kept.left_out + 1),
                )

    def delete_model(self, request: HttpRequest, obj: Character) -> None:
        """Delete the reference pictures too. The LoRA stays, so that its jobs can be retried."""
        delete_pictures(obj.references.all())
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Character]) -> None:
        """As `delete_model`, for several characters."""
        delete_pictures(Reference.objects.filter(character__in=queryset))
        super().delete_queryset(request, queryset)

    @admin.display(description="Reference")
    def portrait(self, character: Any) -> SafeString:
        """The first reference picture."""
        return reference_picture(character.first_reference, f"{character.name}'s reference")

    @admin.display(description="Look", ordering="look")
    def look_begins(self, character: Character) -> str:
        """The beginning of the look prompt."""
        return short(character.look)

    @admin.display(description="Takes", ordering="takes_made")
    def take_count(self, character: Any) -> int:
        """The number of takes with the character."""
        return int(character.takes_made)

    @admin.display(description="SHA-256 of the LoRA")
    def lora_content(self, character: Character) -> str:
        """The hash of the stored file, as recorded in every render that uses it."""
        return character.lora_sha256 or NOTHING

    @admin.display(description="What the LoRA fits")
    def lora_fits(self, character: Character) -> SafeString | str:
        """How much of the LoRA fits each registered model, as it was when it was uploaded."""
        lines = [(said.text,) for said in said_of(character.lora_facts)]
        return format_html_join(mark_safe("<br>"), "{}", lines) or NOTHING

    @admin.display(description="")
    def render(self, character: Character) -> SafeString:
        """A link to the render page with this character chosen."""
        return render_link("Render with this character", character=character.slug)


def delete_pictures(references: Iterable[Reference]) -> None:
    """Delete the stored pictures when the transaction that deletes their rows commits."""
    names = [str(reference.picture.name) for reference in references]

    def delete() -> None:
        for name in names:
            default_storage.delete(name)

    transaction.on_commit(delete)
