"""Forms of the pages. What is wrong is told at its field; what was typed stays."""

from typing import Any, cast

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Max, QuerySet
from django.utils.crypto import get_random_string
from django.utils.text import slugify

from generation.errors import SpecError
from generation.model_folders import upscaler_names
from generation.models import ModelCard, Output
from generation.pipelines.upscalers import UPSCALERS
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
from studio import access
from studio.compose import RenderRequest
from studio.models import Character, Project, Sequence, Shot, Style
from studio.models.project import SKETCHBOOK_SHOT

SMOOTHER = [(1, "As drawn"), (2, "2 times the frames"), (4, "4 times the frames")]
LARGER = [(1, "As drawn"), (2, "2 times the size"), (4, "4 times the size")]
FORMATS = [("webm", "WebM"), ("gif", "GIF"), ("apng", "APNG")]


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
    guidance = forms.FloatField(required=False, min_value=0, max_value=MAX_GUIDANCE)
    seed = forms.IntegerField(required=False, min_value=0, max_value=MAX_SEED)

    advanced = ("negative_prompt", "model", "width", "height", "steps", "guidance", "seed")
    clip_only = ("source", "duration", "frames", "fps", "loop", "interpolate", "formats")

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user_id = user.pk
        projects = Project.objects.visible_to(user)
        self.fields["upscaler"] = _upscaler_field()
        pictures = Output.objects.filter(job__in=access.visible_jobs(user), kind=MediaType.IMAGE)
        self._limit("source", pictures.select_related("job__take__shot"))
        self._limit("shot", Shot.objects.filter(project__in=projects).exclude(slug=SKETCHBOOK_SHOT))
        self._limit("character", Character.objects.filter(project__in=projects, is_active=True))
        self._limit("style", Style.objects.usable_by(user))
        self._limit("model", ModelCard.objects.active())
        for name in (*self.advanced[2:], "duration", "frames", "fps"):
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


ORDER_STEP = 10
"""Between two shots, so that one more fits in."""


class ShotForm(forms.ModelForm):
    """A new shot of a project."""

    class Meta:
        """What is asked for."""

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

    def clean_name(self) -> str:
        """The name becomes the shot's slug, which must be free in the project."""
        name: str = self.cleaned_data["name"]
        # A Japanese name has no Latin letters: its slug is drawn.
        slug = slugify(name)[:50] or f"shot-{get_random_string(6).lower()}"
        taken = Shot.objects.filter(project=self.instance.project, slug=slug).exists()
        if taken or slug == SKETCHBOOK_SHOT:
            raise ValidationError("This project has a shot of that name already.")
        self.instance.slug = slug
        return name

    def clean(self) -> dict[str, Any] | None:
        """A new shot stands behind the others of its sequence."""
        sequence = self.cleaned_data.get("sequence")
        others = Shot.objects.filter(project=self.instance.project, sequence=sequence)
        last = others.exclude(slug=SKETCHBOOK_SHOT).aggregate(last=Max("order"))["last"]
        self.instance.order = (last or 0) + ORDER_STEP
        return super().clean()


def _upscaler_field() -> forms.ChoiceField:
    """The upscalers of this machine; which of them serves a factor is told at the submit."""
    names = dict.fromkeys(name for factor in (2, 4) for name in upscaler_names(factor))
    labels = [(name, UPSCALERS[name].label if name in UPSCALERS else name) for name in names]
    return forms.ChoiceField(
        choices=[("", "The best there is"), *labels], required=False, label="Enlarged by"
    )


class EnhanceForm(forms.Form):
    """What to make of a finished take."""

    interpolate = forms.TypedChoiceField(
        choices=SMOOTHER,
        coerce=int,
        required=False,
        label="Smoother",
    )
    upscale = forms.TypedChoiceField(
        choices=LARGER,
        coerce=int,
        required=False,
        label="Larger",
    )
    formats = forms.MultipleChoiceField(
        choices=FORMATS,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Also as",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["upscaler"] = _upscaler_field()

    def asked(self) -> dict[str, Any]:
        """What was asked, once the form is valid."""
        factors = {name: self.cleaned_data[name] or 1 for name in ("interpolate", "upscale")}
        formats = tuple(self.cleaned_data["formats"])
        return {**factors, "upscaler": self.cleaned_data["upscaler"] or None, "formats": formats}


class TokenForm(forms.Form):
    """A name for a new API token."""

    name = forms.CharField(max_length=60, label="What is it for?")


class CommentForm(forms.Form):
    """A sentence that goes with a review or a verdict."""

    comment = forms.CharField(
        max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )


class ChangeForm(CommentForm):
    """A request for a change must say which."""

    comment = forms.CharField(
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
        error_messages={"required": "Say what should change."},
    )


class GalleryForm(forms.Form):
    """The gallery's filters; anything that names nothing is ignored."""

    project = forms.ModelChoiceField(
        queryset=Project.objects.none(), required=False, to_field_name="slug", empty_label="All"
    )
    character = forms.ModelChoiceField(
        queryset=Character.objects.none(), required=False, to_field_name="slug", empty_label="All"
    )
    style = forms.ModelChoiceField(
        queryset=Style.objects.none(), required=False, to_field_name="slug", empty_label="All"
    )
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
