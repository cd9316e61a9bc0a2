"""What a pipeline loads, named without loading anything: torch is not needed here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path

from safetensors import safe_open

INDEX_FILES = ("model_index.json", "config.json")
"""What says which class a folder holds: a whole pipeline's index, or a single part's."""


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


def weight_files(part: Path) -> list[Path]:
    """A part's weights; files of a variant (`model.fp16.safetensors`) are not what is loaded."""
    return [path for path in sorted(part.glob("*.safetensors")) if "." not in path.stem]


def loaded_files(folder: Path, parts: Iterable[str]) -> list[Path]:
    """The weights in these parts of a model's folder, without those of its base."""
    return [path for part in parts for path in weight_files(folder / part)]


def shapes_of(path: Path) -> dict[str, tuple[int, ...]]:
    """Name to shape of each weight in a file, from its header. Raises SafetensorError, OSError."""
    with safe_open(path, framework="numpy") as weights:
        return {name: tuple(weights.get_slice(name).get_shape()) for name in weights.keys()}  # noqa: SIM118


def count_parameters(path: Path) -> int:
    """How many numbers a file's weights have. Raises SafetensorError, OSError."""
    return sum(prod(shape) for shape in shapes_of(path).values())
