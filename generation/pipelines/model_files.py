"""What a pipeline loads, named without loading anything: torch is not needed here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Where a model's weights are and what identifies their content.

    `base` is the model that a motion adapter animates; `weights_hash` covers it too.
    """

    slug: str
    family: str
    folder: Path
    weights_hash: str
    base: ModelFiles | None = None


@dataclass(frozen=True, slots=True)
class LoraFile:
    """A LoRA on the local disk; `name` identifies its content, `scale` its strength."""

    name: str
    path: Path
    scale: float
