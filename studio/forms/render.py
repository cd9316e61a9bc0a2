"""The form of a render."""

from typing import Any, cast
from uuid import UUID

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from generation.errors import SpecError
from generation.field import MAX_PROMPT_LENGTH, MediaType, Named
from generation.models import ModelCard, Output
from generation.sentences import Said
from generation.specs import Quality
from generation.states import Priority, choices
from studio.accounts import access
from studio.forms.choices import upscaler_field
from studio.forms.declared import form_field
from studio.models import Character, Project, Shot, Style
from studio.models.project import SKETCHBOOK_SHOT
from studio.ordering.request import FIELDS, MAX_SECONDS, RenderRequest


def uuid_of(value: Any) -> UUID | None:
    """The id in what a browser sent; None for anything else."""
    try:
        return UUID(str(value))
    except ValueError:
        return None


class GroupedShots(forms.models.ModelChoiceIterator):
    """Shots grouped by project."""

    def __iter__(self) -> Any:
        """Yield (project, [(value, label), ...]) groups."""
        if self.field.empty_label is not None:
            yield ("", self.field.empty_label)
        grouped: dict[str, list[Any]] = {}
        for shot in self.queryset.select_related("project", "sequence"):
            grouped.setdefault(shot.project.name, []).append(
                (self.field.prepare_value(shot), shot.name)
            )
        yield from grouped.items()


class ShotField(forms.ModelChoiceField):
    """A shot of one of the user's projects."""

    iterator = GroupedShots


class RenderForm(forms.Form):
    """All settings of a render. Only the prompt is required.

    Fields of values are made from their declarations, so a new one appears automatically under
    "More settings". This class declares the fields that choose an object or need a special widget.
    """

    shot = ShotField(
        queryset=Shot.objects.none(), required=False, empty_label="My sketchbook", label="Shot"
    )
    character = forms.ModelChoiceField(
        queryset=Character.objects.none(), required=False, empty_label="None"
    )
    style = forms.ModelChoiceField(
        queryset=Style.objects.none(), required=False, empty_label="None"
    )
    priority = forms.TypedChoiceField(
        choices=choices(Priority),
        coerce=lambda value: Priority(int(value)),
        initial=Priority.NORMAL,
    )
    within = forms.FloatField(
        required=False,
        min_value=0.01,
        max_value=MAX_SECONDS / 60,
        label="I need it in (minutes)",
        widget=forms.NumberInput(attrs={"placeholder": "no hurry", "step": "any"}),
    )
    source = forms.ModelChoiceField(
        queryset=Output.objects.none(), required=False, widget=forms.HiddenInput
    )
    model = forms.ModelChoiceField(
        queryset=ModelCard.objects.none(), required=False, empty_label="The style's or the studio's"
    )

    placed = (
        *("type", "prompt", "character", "style", "quality", "priority", "shot", "within"),
        *("source", "duration", "frames", "fps", "loop", "interpolate", "formats"),
        *("negative_prompt", "model", "upscale", "upscaler", "width", "height"),
        *("steps", "guidance", "seed"),
    )
    """Fields that the page's template places by name."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user_id = user.pk
        self._add_declared()
        projects = Project.objects.visible_to(user)
        pictures = Output.objects.filter(job__in=access.visible_jobs(user), kind=MediaType.IMAGE)
        self._limit("source", pictures.select_related("job__take__shot"))
        self._limit("shot", Shot.objects.filter(project__in=projects).exclude(slug=SKETCHBOOK_SHOT))
        self._limit("character", Character.objects.filter(project__in=projects, is_active=True))
        self._limit("style", Style.objects.usable_by(user))
        self._limit("model", ModelCard.objects.active())

    def _add_declared(self) -> None:
        """Add the fields of values, a few of them with other widgets."""
        for name, field in FIELDS.items():
            if name not in self.fields and not isinstance(field.kind, Named):
                self.fields[name] = form_field(field)
        del self.fields["finish_within"]  # replaced by `within`, in minutes
        self.fields["upscaler"] = upscaler_field()
        self.fields["prompt"].widget.attrs |= {
            "rows": 3,
            "autofocus": True,
            "maxlength": MAX_PROMPT_LENGTH,
        }
        for name, initial in (("type", MediaType.IMAGE), ("quality", Quality.DRAFT)):
            choice = cast(forms.ChoiceField, self.fields[name])
            choice.widget = forms.RadioSelect(choices=cast(list[Any], choice.choices))
            choice.initial = initial
        self.fields["type"].required = False

    def things(self, name: str) -> QuerySet[Any]:
        """The objects that the user may choose in a field."""
        return cast(QuerySet[Any], cast(forms.ModelChoiceField, self.fields[name]).queryset)

    def _limit(self, name: str, queryset: QuerySet[Any]) -> None:
        cast(forms.ModelChoiceField, self.fields[name]).queryset = queryset

    @property
    def others(self) -> list[forms.BoundField]:
        """Declared fields that the template does not place by name."""
        return [self[name] for name in self.fields if name not in self.placed]

    @property
    def advanced_is_open(self) -> bool:
        """True when a field under "More settings" has a value or an error."""
        advanced = ("negative_prompt", "model", "width", "height", "steps", "guidance", "seed")
        shown = (*(self[name] for name in advanced), *self.others)
        return any(field.errors or field.value() for field in shown)

    def request(self) -> RenderRequest:
        """The request. The form must be valid."""
        found = {name: self.cleaned_data[name] for name in self.fields}
        found["quality"] = Quality(found["quality"] or FIELDS["quality"].default)
        within = found.pop("within")
        found["finish_within"] = None if within is None else within * 60.0
        found["formats"] = tuple(found["formats"])
        found["type"] = found["type"] or MediaType.IMAGE
        # A picture's form keeps values that were typed for a clip; they are hidden and ignored.
        found = {
            name: value
            for name, value in found.items()
            if value != "" and found["type"] in FIELDS[name].media
        }
        return RenderRequest(owner_id=self.user_id, **found)

    @property
    def first_problem(self) -> str:
        """The first error of a field that was filled in; empty without one."""
        for name, field in self.fields.items():
            if self.errors.get(name) and self[name].value() not in (None, ""):
                return f"{field.label or name.capitalize()}: {self.errors[name][0]}"
        return ""

    @property
    def begins_with(self) -> Output | None:
        """The picture that a clip begins with, if one is chosen."""
        return self.things("source").filter(pk=uuid_of(self["source"].value())).first()

    def refuse(self, said: Said) -> None:
        """Show a refusal that is about no single field."""
        self.add_error(None, ValidationError(said.text, code=said.code))

    def blame(self, problem: SpecError) -> None:
        """Show a refusal of the engine at the field that it names."""
        field = problem.field if problem.field in self.fields else None
        self.add_error(field, ValidationError(problem.sentence, code=problem.code))
