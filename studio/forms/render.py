"""The form of a render: everything a person may say about it."""

from typing import Any, cast

from django import forms
from django.contrib.auth.models import User
from django.db.models import QuerySet

from generation.errors import SpecError
from generation.models import ModelCard, Output
from generation.specs import (
    MAX_FPS,
    MAX_GUIDANCE,
    MAX_PROMPT_LENGTH,
    MAX_SEED,
    MAX_STEPS,
    MediaType,
    Quality,
)
from generation.states import Priority, choices
from studio.accounts import access
from studio.forms.choices import FORMATS, LARGER, SMOOTHER, upscaler_field
from studio.models import Character, Project, Shot, Style
from studio.models.project import SKETCHBOOK_SHOT
from studio.ordering.compose import RenderRequest

QUICKER = [
    ("", "As the time asks for"),
    (1, "None"),
    (2, "Every second step whole"),
    (3, "Every third step whole"),
]


class GroupedShots(forms.models.ModelChoiceIterator):
    """Shots under the names of their projects."""

    def __iter__(self) -> Any:
        """(project, [(value, label), ...]) groups."""
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
    """Everything a person may say about a render; only the prompt has to be said."""

    shot = ShotField(
        queryset=Shot.objects.none(), required=False, empty_label="My sketchbook", label="Shot"
    )
    type = forms.ChoiceField(
        choices=[(MediaType.IMAGE.value, "Picture"), (MediaType.VIDEO.value, "Clip")],
        initial=MediaType.IMAGE,
        required=False,
        widget=forms.RadioSelect,
    )
    prompt = forms.CharField(
        max_length=MAX_PROMPT_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True, "maxlength": MAX_PROMPT_LENGTH}),
    )
    character = forms.ModelChoiceField(
        queryset=Character.objects.none(), required=False, empty_label="None"
    )
    style = forms.ModelChoiceField(
        queryset=Style.objects.none(), required=False, empty_label="None"
    )
    quality = forms.ChoiceField(
        choices=[(quality.value, quality.label) for quality in Quality],
        initial=Quality.DRAFT,
        widget=forms.RadioSelect,
    )
    priority = forms.TypedChoiceField(
        choices=choices(Priority),
        coerce=lambda value: Priority(int(value)),
        initial=Priority.NORMAL,
    )
    within = forms.FloatField(
        required=False,
        min_value=0.01,
        max_value=10_080,
        label="I need it in (minutes)",
        widget=forms.NumberInput(attrs={"placeholder": "no hurry", "step": "any"}),
    )
    source = forms.ModelChoiceField(
        queryset=Output.objects.none(), required=False, widget=forms.HiddenInput
    )
    duration = forms.FloatField(required=False, min_value=0.1, max_value=3600, label="Seconds")
    frames = forms.IntegerField(required=False, min_value=2, max_value=10_000, label="or frames")
    fps = forms.FloatField(required=False, min_value=1, max_value=MAX_FPS, label="Frames a second")
    loop = forms.BooleanField(required=False, label="The end leads back to the beginning")
    interpolate = forms.TypedChoiceField(
        choices=SMOOTHER,
        coerce=int,
        initial=1,
        required=False,
        label="Smoother",
    )
    upscale = forms.TypedChoiceField(
        choices=LARGER,
        coerce=int,
        initial=1,
        required=False,
        label="Larger",
    )
    formats = forms.MultipleChoiceField(
        choices=FORMATS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Also as",
    )
    negative_prompt = forms.CharField(
        max_length=MAX_PROMPT_LENGTH, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    model = forms.ModelChoiceField(
        queryset=ModelCard.objects.none(), required=False, empty_label="The style's or the studio's"
    )
    width = forms.IntegerField(required=False, min_value=8, max_value=8192, step_size=8)
    height = forms.IntegerField(required=False, min_value=8, max_value=8192, step_size=8)
    steps = forms.IntegerField(required=False, min_value=1, max_value=MAX_STEPS)
    acceleration = forms.TypedChoiceField(
        choices=QUICKER, coerce=int, empty_value=None, required=False, label="Acceleration"
    )
    guidance = forms.FloatField(required=False, min_value=0, max_value=MAX_GUIDANCE)
    seed = forms.IntegerField(required=False, min_value=0, max_value=MAX_SEED)

    advanced = (
        "negative_prompt",
        "model",
        "acceleration",
        "width",
        "height",
        "steps",
        "guidance",
        "seed",
    )
    clip_only = ("source", "duration", "frames", "fps", "loop", "interpolate", "formats")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user_id = user.pk
        projects = Project.objects.visible_to(user)
        self.fields["upscaler"] = upscaler_field()
        pictures = Output.objects.filter(job__in=access.visible_jobs(user), kind=MediaType.IMAGE)
        self._limit("source", pictures.select_related("job__take__shot"))
        self._limit("shot", Shot.objects.filter(project__in=projects).exclude(slug=SKETCHBOOK_SHOT))
        self._limit("character", Character.objects.filter(project__in=projects, is_active=True))
        self._limit("style", Style.objects.usable_by(user))
        self._limit("model", ModelCard.objects.active())
        for name in (*self.advanced[3:], "duration", "frames", "fps"):
            self.fields[name].widget.attrs["placeholder"] = "auto"

    def things(self, name: str) -> QuerySet[Any]:
        """What may be chosen in a field: things of the user's projects."""
        return cast(QuerySet[Any], cast(forms.ModelChoiceField, self.fields[name]).queryset)

    def _limit(self, name: str, queryset: QuerySet[Any]) -> None:
        cast(forms.ModelChoiceField, self.fields[name]).queryset = queryset

    @property
    def advanced_is_open(self) -> bool:
        """True when a field that most renders leave alone holds something or has an error."""
        return any(self.errors.get(name) or self[name].value() for name in self.advanced)

    def request(self) -> RenderRequest:
        """What was asked, once the form is valid."""
        found = {name: self.cleaned_data[name] for name in self.fields}
        found["quality"] = Quality(found["quality"])
        within = found.pop("within")
        found["finish_within"] = None if within is None else within * 60.0
        found["formats"] = tuple(found["formats"])
        found["upscaler"] = found["upscaler"] or None
        found["type"] = found["type"] or MediaType.IMAGE
        found |= {name: found[name] or 1 for name in ("interpolate", "upscale")}
        if found["type"] == MediaType.IMAGE:
            # What was typed for a clip stays in the form, out of sight, and is not asked for.
            found = {name: value for name, value in found.items() if name not in self.clip_only}
        return RenderRequest(owner_id=self.user_id, **found)

    @property
    def first_problem(self) -> str:
        """What is wrong with something that was typed; empty when only something is missing."""
        for name, field in self.fields.items():
            if self.errors.get(name) and self[name].value() not in (None, ""):
                return f"{field.label or name.capitalize()}: {self.errors[name][0]}"
        return ""

    @property
    def begins_with(self) -> Output | None:
        """The picture that a clip would begin with."""
        value = self["source"].value()
        return self.things("source").filter(pk=value).first() if value else None

    def blame(self, problem: SpecError) -> None:
        """Show what the engine refuses at the field it names."""
        field = problem.field if problem.field in self.fields else None
        allowed = f" Allowed: {problem.allowed}." if problem.allowed else ""
        self.add_error(field, f"{problem.message}{allowed}")
