"""Forms of the pages other than the render form."""

from datetime import timedelta
from typing import Any, cast

from django import forms
from django.contrib.auth.models import User
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import Max
from django.utils import timezone

from generation.specs import Quality
from studio.forms.choices import upscaler_field
from studio.forms.declared import form_field
from studio.forms.named import NamedForm
from studio.models import ApiToken, Character, Project, Scope, Sequence, Shot, Style
from studio.models.project import SKETCHBOOK_SHOT
from studio.models.token import every_scope
from studio.ordering.request import FIELDS

ORDER_STEP = 10
"""Distance of the order numbers of two shots, so that a shot can be inserted between them."""


class ShotForm(NamedForm):
    """A new shot of a project."""

    class Meta:
        """The fields that a member fills in."""

        model = Shot
        fields = ["name", "sequence", "description", "prompt"]
        widgets = {
            "description": forms.Textarea(attrs={"rows": 2}),
            "prompt": forms.Textarea(attrs={"rows": 2}),
        }

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.project = project
        sequence = cast(forms.ModelChoiceField, self.fields["sequence"])
        sequence.queryset = Sequence.objects.filter(project=project)
        sequence.empty_label = "No sequence"

    def clean(self) -> dict[str, Any] | None:
        """Put the new shot after the others of its sequence."""
        sequence = self.cleaned_data.get("sequence")
        others = Shot.objects.filter(project=self.instance.project, sequence=sequence)
        last = others.exclude(slug=SKETCHBOOK_SHOT).aggregate(last=Max("order"))["last"]
        self.instance.order = (last or 0) + ORDER_STEP
        return super().clean()


class EnhanceForm(forms.Form):
    """An enhancement of a finished take."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("interpolate", "upscale", "formats"):
            self.fields[name] = form_field(FIELDS[name])
        self.fields["upscaler"] = upscaler_field()

    def asked(self) -> dict[str, Any]:
        """The settings of the enhancement. The form must be valid."""
        factors = {name: self.cleaned_data[name] or 1 for name in ("interpolate", "upscale")}
        formats = tuple(self.cleaned_data["formats"])
        return {**factors, "upscaler": self.cleaned_data["upscaler"] or None, "formats": formats}


class TokenForm(forms.Form):
    """A new API token: its purpose, how long it is valid and what it may do."""

    name = forms.CharField(max_length=60, label="What is it for?")
    days = forms.TypedChoiceField(
        choices=[
            ("", "Does not expire"),
            ("30", "30 days"),
            ("90", "90 days"),
            ("365", "A year"),
        ],
        coerce=int,
        empty_value=None,
        required=False,
        label="Expires after",
    )
    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        initial=every_scope,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )

    def issue(self, user: User) -> tuple[ApiToken, str]:
        """Make the token. Returns its row and its secret. The form must be valid."""
        days = self.cleaned_data["days"]
        return ApiToken.issue(
            user,
            self.cleaned_data["name"],
            expires_at=None if days is None else timezone.now() + timedelta(days=days),
            scopes=self.cleaned_data["scopes"],
        )


class CommentForm(forms.Form):
    """A comment on a review or a verdict."""

    comment = forms.CharField(
        max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )


class ChangeForm(CommentForm):
    """A request for a change, whose comment is required."""

    comment = forms.CharField(
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say what should change."},
    )


class FilterField(forms.ModelChoiceField):
    """A filter by the slug of an object."""

    def __init__(self, queryset: Any) -> None:
        super().__init__(queryset, required=False, to_field_name="slug", empty_label="All")

    def to_python(self, value: Any) -> Any:
        """The object. Not every database can look for a NUL."""
        ProhibitNullCharactersValidator()(value)
        return super().to_python(value)


class GalleryForm(forms.Form):
    """The gallery's filters."""

    project = FilterField(Project.objects.none())
    character = FilterField(Character.objects.none())
    style = FilterField(Style.objects.none())
    quality = forms.ChoiceField(
        choices=[("", "All"), *((q.value, q.label) for q in Quality)], required=False
    )
    verdict = forms.ChoiceField(
        choices=[
            ("", "All"),
            ("pending", "In review"),
            ("approved", "Approved"),
            ("changes_requested", "Changes requested"),
        ],
        required=False,
    )
    words = forms.CharField(required=False, max_length=100, label="Prompt")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        projects = Project.objects.visible_to(user)
        for name, queryset in (
            ("project", projects),
            ("character", Character.objects.filter(project__in=projects)),
            ("style", Style.objects.usable_by(user)),
        ):
            cast(forms.ModelChoiceField, self.fields[name]).queryset = queryset
