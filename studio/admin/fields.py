"""Form fields of the admin site: uploads and schedulers."""

from typing import Any

from django import forms
from django.forms.renderers import BaseRenderer, TemplatesSetting
from django.utils.safestring import SafeString

from studio.models.uploads import FORMATS, reencode_picture

SCHEDULERS = (
    "DDIMScheduler",
    "DDPMScheduler",
    "DEISMultistepScheduler",
    "DPMSolverMultistepScheduler",
    "DPMSolverSinglestepScheduler",
    "EulerAncestralDiscreteScheduler",
    "EulerDiscreteScheduler",
    "HeunDiscreteScheduler",
    "KDPM2AncestralDiscreteScheduler",
    "KDPM2DiscreteScheduler",
    "LCMScheduler",
    "LMSDiscreteScheduler",
    "PNDMScheduler",
    "TCDScheduler",
    "UniPCMultistepScheduler",
)
"""Diffusers' schedulers for models that predict noise. Named here, because asking diffusers for
its list would load torch into the web process."""


class PictureField(forms.FileField):
    """A picture that is re-encoded as it arrives.

    No `forms.ImageField`: that one opens the file with every decoder that Pillow has, before
    `reencode_picture` could say which few are taken.
    """

    def __init__(self, **options: Any) -> None:
        accept = ",".join(f"image/{name.lower()}" for name in FORMATS)
        options.setdefault("widget", forms.FileInput(attrs={"accept": accept}))
        super().__init__(**options)

    def clean(self, data: Any, initial: Any = None) -> Any:
        """The re-encoded file in the upload's place. Raises ValidationError with a sentence."""
        value = super().clean(data, initial)
        return reencode_picture(value) if data else value


class StoredFileInput(forms.ClearableFileInput):
    """Names the present file without a link: stored files have no public address."""

    template_name = "admin/widgets/stored_file.html"

    def render(
        self,
        name: str,
        value: Any,
        attrs: dict[str, Any] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        """Rendered with the project's own templates, where Django's form renderer never looks."""
        return super().render(name, value, attrs, TemplatesSetting())


class SchedulerField(forms.ChoiceField):
    """One of the schedulers that can be used, or the one that is set already."""

    def __init__(self, *, own: str, present: str = "", **options: Any) -> None:
        """`own` is the label of the empty choice; `present` stays allowed, listed or not."""
        names = sorted({*SCHEDULERS, present} - {""})
        choices = [("", own), *((name, name) for name in names)]
        super().__init__(choices=choices, required=False, **options)
