"""Form fields made from the declarations of a request's fields."""

from __future__ import annotations

from typing import Any

from django import forms

from generation.field import Choice, Field, Flag, Number, Text


def form_field(field: Field) -> forms.Field:
    """The form field of a declared field. Raises TypeError for one that names an object."""
    common: dict[str, Any] = {
        "required": field.required,
        "label": field.label,
        "initial": field.default,
    }
    match field.kind:
        case Text(_, longest):
            widget = forms.Textarea(attrs={"rows": 2})
            return forms.CharField(max_length=longest, widget=widget, **common)
        case Number():
            return _number(field.kind, common)
        case Flag():
            return forms.BooleanField(**common)
        case Choice(several=True):
            widget_class = forms.CheckboxSelectMultiple
            return forms.MultipleChoiceField(
                choices=_pairs(field.kind), widget=widget_class, **common
            )
        case Choice():
            return _choice(field, common)
    raise TypeError(f"{field.name} names an object; its form must list the choices")


def _number(kind: Number, common: dict[str, Any]) -> forms.Field:
    limits: dict[str, Any] = {"min_value": kind.low, "max_value": kind.high}
    # An empty field is chosen automatically.
    attrs = {"placeholder": "auto"}
    if kind.whole:
        if kind.step > 1:
            limits["step_size"] = kind.step
        widget = forms.NumberInput(attrs=attrs)
        return forms.IntegerField(widget=widget, **limits, **common)
    widget = forms.NumberInput(attrs={**attrs, "step": "any"})
    return forms.FloatField(widget=widget, **limits, **common)


def _choice(field: Field, common: dict[str, Any]) -> forms.Field:
    kind = field.kind
    assert isinstance(kind, Choice)
    if not all(isinstance(value, int) for value in kind.values):
        return forms.ChoiceField(choices=_pairs(kind), **common)
    free = [] if field.default is not None else [("", "Automatic")]
    return forms.TypedChoiceField(
        choices=[*free, *_pairs(kind)], coerce=int, empty_value=field.default, **common
    )


def _pairs(kind: Choice) -> list[tuple[Any, str]]:
    return list(kind.labels.items())
