"""The shape of a job: all settings that affect its run time, as a short JSON text.

Each setting of a kind of job declares whether it is part of the shape (`Field.shape`). Jobs with
equal shapes take equally long on one device.
"""

from __future__ import annotations

import json
from functools import cache, lru_cache
from typing import Any

from generation.field import fields_of
from generation.kind import kind_named
from generation.specs import RenderSpec

USUAL_KIND = "render"
"""The kind that the text of a shape omits."""
DEFAULTS: dict[str, Any] = {
    "frames": 1,
    "denoising_steps": 0,
    "keeps_frames": False,
    "scheduler": "",
    "lora_count": 0,
}
"""Values of properties that the text of a shape omits; of settings it omits the usual ones."""


@cache
def names(kind: str) -> frozenset[str]:
    """The properties of a kind's specs that are part of the shape."""
    declared = fields_of(kind_named(kind).spec_class).values()
    return frozenset(field.shape for field in declared if field.shape)


@cache
def _defaults(kind: str) -> dict[str, Any]:
    declared = fields_of(kind_named(kind).spec_class).values()
    usual = {
        field.shape: field.usual
        for field in declared
        if field.shape and isinstance(field.usual, int | str | tuple)
    }
    return {**{name: DEFAULTS[name] for name in DEFAULTS.keys() & names(kind)}, **usual}


class Shape:
    """A shape, with its values as attributes that are named like the properties of the spec."""

    __slots__ = ("_values", "kind", "text")

    def __init__(self, kind: str = USUAL_KIND, **values: Any) -> None:
        """Raises TypeError if a name is unknown or missing, KeyError for an unknown kind."""
        defaults = _defaults(kind)
        unknown = values.keys() - names(kind)
        missing = names(kind) - values.keys() - defaults.keys()
        if unknown or missing:
            raise TypeError(f"a shape has {', '.join(sorted(unknown | missing))} wrong")
        self.kind = kind
        self._values = {**defaults, **values}
        stored = {name: value for name, value in values.items() if value != defaults.get(name)}
        if kind != USUAL_KIND:
            stored["kind"] = kind
        self.text = json.dumps(stored, sort_keys=True, separators=(",", ":"))

    @classmethod
    def of(cls, spec: RenderSpec) -> Shape:
        """The shape of a spec."""
        return cls(spec.kind, **{name: getattr(spec, name) for name in names(spec.kind)})

    def but(self, **changes: Any) -> Shape:
        """A copy with changed values."""
        return Shape(self.kind, **{**self._values, **changes})

    def __getattr__(self, name: str) -> Any:
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(name) from None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shape) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __str__(self) -> str:
        return self.text

    @property
    def subject(self) -> str:
        """Whose speeds a job of this shape goes by: its model's, or "" if it loads none."""
        return str(self.model) if kind_named(self.kind).spec_class.draws else ""

    @property
    def delivered_frames(self) -> int:
        """Number of frames of the finished file, as in the spec."""
        frames, factor = int(self.frames), int(self.interpolate)
        if factor == 1:
            return frames
        return frames * factor - (0 if self.loop else factor - 1)


@lru_cache(maxsize=4096)
def parse(text: str) -> Shape:
    """Parse the text of a shape. Raises ValueError for any other text."""
    try:
        values = json.loads(text)
        values["formats"] = tuple(values.get("formats", ()))
        return Shape(**values)
    except (ValueError, TypeError, AttributeError, KeyError) as problem:
        raise ValueError(f"{text!r} is not the shape of a job") from problem
