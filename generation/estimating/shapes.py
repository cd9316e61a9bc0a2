"""The shape of a job: every setting that decides how long it takes, as one small JSON text.

Which settings those are is declared with the settings themselves (`Field.shape`). Jobs with equal
shapes take equally long on one device.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

from generation.specs import FIELDS, RenderSpec

NAMES = {field.shape: field for field in FIELDS.values() if field.shape}
"""By the property of the spec that goes into the shape, the setting that declares it."""
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
"""What a shape leaves out when it is so."""


class Shape:
    """The values of a shape as attributes, each named like the property of the spec."""

    __slots__ = ("_values", "text")

    def __init__(self, **values: Any) -> None:
        """Raises TypeError for a name that no setting declares, or when one is missing."""
        unknown = values.keys() - NAMES.keys()
        missing = NAMES.keys() - values.keys() - DEFAULTS.keys()
        if unknown or missing:
            raise TypeError(f"a shape has {', '.join(sorted(unknown | missing))} wrong")
        self._values = {**DEFAULTS, **values}
        told = {name: value for name, value in values.items() if value != DEFAULTS.get(name)}
        self.text = json.dumps(told, sort_keys=True, separators=(",", ":"))

    @classmethod
    def of(cls, spec: RenderSpec) -> Shape:
        """The shape of a spec."""
        return cls(**{name: getattr(spec, name) for name in NAMES})

    def but(self, **changes: Any) -> Shape:
        """The same with some values changed."""
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
        """False for a finished file that is only enhanced."""
        return bool(self.denoising_steps)

    @property
    def delivered_frames(self) -> int:
        """Frames of the finished file, as in the spec."""
        frames, factor = int(self.frames), int(self.interpolate)
        if factor == 1:
            return frames
        return frames * factor - (0 if self.loop else factor - 1)


@lru_cache(maxsize=4096)
def parse(text: str) -> Shape:
    """The shape that a text tells. Raises ValueError for any other text."""
    try:
        values = json.loads(text)
        values["formats"] = tuple(values.get("formats", ()))
        return Shape(**values)
    except (ValueError, TypeError, AttributeError) as problem:
        raise ValueError(f"{text!r} is not the shape of a job") from problem
