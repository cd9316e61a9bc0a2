"""Names the files that a pipeline loads, without loading them. Does not import torch."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path

from safetensors import safe_open

INDEX_FILES = ("model_index.json", "config.json")
"""Files that name the class of a folder: the index of a whole pipeline, or of a single part."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The folder of a model's weights and the hash that identifies their content.

    `base` is the model that a motion adapter animates; `weights_hash` covers it too.
    """

    slug: str
    family: str
    folder: Path
    weights_hash: str
    base: ModelFiles | None = None


@dataclass(frozen=True, slots=True)
class LoraFile:
    """A LoRA on the local disk: `name` identifies its content, `scale` is its strength."""

    name: str
    path: Path
    scale: float


def scheduler_of(files: ModelFiles) -> str:
    """The class of the scheduler that the model itself prefers; empty when it names none."""
    folder = (files.base or files).folder
    try:
        config = json.loads((folder / "scheduler" / "scheduler_config.json").read_text())
        return str(config.get("_class_name", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def weight_files(part: Path) -> list[Path]:
    """A part's weight files, without those of a variant (`model.fp16.safetensors`), which are not
    loaded."""
    return [path for path in sorted(part.glob("*.safetensors")) if "." not in path.stem]


def loaded_files(folder: Path, parts: Iterable[str]) -> list[Path]:
    """The weight files in these parts of a model's folder, without those of its base."""
    return [path for part in parts for path in weight_files(folder / part)]


def shapes_of(path: Path) -> dict[str, tuple[int, ...]]:
    """Name to shape of each weight, from the file's header. Raises SafetensorError, OSError."""
    with safe_open(path, framework="numpy") as weights:
        # An open safetensors file is no mapping: it has names, but cannot be iterated.
        names = weights.keys()
        return {name: tuple(weights.get_slice(name).get_shape()) for name in names}


def count_parameters(path: Path) -> int:
    """The number of parameters in a file's weights. Raises SafetensorError, OSError."""
    return sum(prod(shape) for shape in shapes_of(path).values())
