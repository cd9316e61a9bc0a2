"""Form fields for uploads and schedulers."""

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
"""Diffusers' schedulers for models that predict noise. Listed here, because importing diffusers
would load torch into the web process."""


class PictureField(forms.FileField):
    """A picture that is re-encoded when it is uploaded.

    Not a `forms.ImageField`, which opens the file with any of Pillow's decoders; `reencode_picture`
    allows only a few.
    """

    def __init__(self, **options: Any) -> None:
        accept = ",".join(f"image/{name.lower()}" for name in FORMATS)
        options.setdefault("widget", forms.FileInput(attrs={"accept": accept}))
        super().__init__(**options)

    def clean(self, data: Any, initial: Any = None) -> Any:
        """The re-encoded file. Raises ValidationError when it is refused."""
        value = super().clean(data, initial)
        return reencode_picture(value) if data else value


class StoredFileInput(forms.ClearableFileInput):
    """Shows the name of the stored file without a link, as it has no public URL."""

    template_name = "admin/widgets/stored_file.html"

    def render(
        self,
        name: str,
        value: Any,
        attrs: dict[str, Any] | None = None,
        renderer: BaseRenderer | None = None,
    ) -> SafeString:
        """Render with the project's templates, which Django's form renderer does not search."""
        return super().render(name, value, attrs, TemplatesSetting())


class SchedulerField(forms.ChoiceField):
    """A choice of schedulers, which keeps one that is set already."""

    def __init__(self, *, own: str, present: str = "", **options: Any) -> None:
        """`own` is the label of the empty choice. `present` is allowed, listed or not."""
        names = sorted({*SCHEDULERS, present} - {""})
        choices = [("", own), *((name, name) for name in names)]
        super().__init__(choices=choices, required=False, **options)
