"""The shape of a job: all settings that affect its run time, as a short JSON text.

Each setting declares whether it is part of the shape (`Field.shape`). Jobs with equal shapes take
equally long on one device.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from generation.specs import FIELDS, RenderSpec

NAMES = {field.shape: field for field in FIELDS.values() if field.shape}
"""The settings that are part of the shape, by the name of the spec's property."""
DEFAULTS: dict[str, Any] = {
    "frames": 1,
    "denoising_steps": 0,
    "keeps_frames": False,
    "scheduler": "",
    "lora_count": 0,
    **{
        name: field.usual
        for name, field in NAMES.items()
        if isinstance(field.usual, int | str | tuple)
    },
}
"""Values that the text of a shape omits."""


class Shape:
    """A shape, with its values as attributes that are named like the properties of the spec."""

    __slots__ = ("_values", "text")

    def __init__(self, **values: Any) -> None:
        """Raises TypeError if a name is unknown or missing."""
        unknown = values.keys() - NAMES.keys()
        missing = NAMES.keys() - values.keys() - DEFAULTS.keys()
        if unknown or missing:
            raise TypeError(f"a shape has {', '.join(sorted(unknown | missing))} wrong")
        self._values = {**DEFAULTS, **values}
        stored = {name: value for name, value in values.items() if value != DEFAULTS.get(name)}
        self.text = json.dumps(stored, sort_keys=True, separators=(",", ":"))

    @classmethod
    def of(cls, spec: RenderSpec) -> Shape:
        """The shape of a spec."""
        return cls(**{name: getattr(spec, name) for name in NAMES})

    def but(self, **changes: Any) -> Shape:
        """A copy with changed values."""
        return Shape(**{**self._values, **changes})

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
    def draws(self) -> bool:
        """False for an enhancement, which has no denoising steps."""
        return bool(self.denoising_steps)

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
    except (ValueError, TypeError, AttributeError) as problem:
        raise ValueError(f"{text!r} is not the shape of a job") from problem
