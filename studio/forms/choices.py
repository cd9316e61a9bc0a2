"""Form fields that renders and enhancements share."""

from django import forms

from generation.library.upscalers import upscaler_names
from generation.pipelines.upscale.methods import UPSCALERS


def upscaler_field() -> forms.ChoiceField:
    """A choice of upscalers. Whether one supports the chosen factor is checked at the submit."""
    names = dict.fromkeys(name for factor in (2, 4) for name in upscaler_names(factor))
    labels = [(name, UPSCALERS[name].label if name in UPSCALERS else name) for name in names]
    return forms.ChoiceField(
        choices=[("", "Best available"), *labels], required=False, label="Enlarged by"
    )
