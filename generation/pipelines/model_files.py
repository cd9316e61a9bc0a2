"""Names the files that a pipeline loads, without loading them. Does not import torch."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import prod
from pathlib import Path

from safetensors import safe_open

INDEX_FILES = ("model_index.json", "config.json")
"""Files that name the class of a folder: the index of a whole pipeline, or of a single part."""
STEMS = ("diffusion_pytorch_model", "model")
"""The names of weight files as diffusers and transformers write them."""


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
    """A part's weight files that are loaded, whether they exist or not: one, or those that the
    index of a split part names.

    Raises OSError and ValueError for such an index that cannot be read.
    """
    for stem in STEMS:
        if not (has_stem := _variants(part, stem)):
            continue
        variant = has_stem[0]
        index = part / f"{stem}.safetensors.index{variant}.json"
        single = part / f"{stem}{variant}.safetensors"
        if not index.is_file() or (single.is_file() and stem == "model"):
            return [single]
        named = json.loads(index.read_text())
        if not isinstance(named, dict) or not isinstance(named.get("weight_map"), dict):
            raise ValueError(f"{index.name} names no files")
        return [part / str(name) for name in sorted(set(named["weight_map"].values()))]
    return []


def variant_of(part: Path) -> str | None:
    """The variant of a part's weights, such as "fp16"; None for those without one.

    Weights without a variant are preferred, because they are not rounded.
    """
    found = next(filter(None, (_variants(part, stem) for stem in STEMS)), [""])
    return found[0].removeprefix(".") or None


def _variants(part: Path, stem: str) -> list[str]:
    """The endings of a part's variants, such as ".fp16" or "" for none, the preferred one first."""
    single = re.compile(rf"{stem}(\.\w+)?\.safetensors")
    index = re.compile(rf"{stem}\.safetensors\.index(\.\w+)?\.json")
    names = [path.name for path in part.iterdir()] if part.is_dir() else []
    found = {
        match[1] or ""
        for name in names
        if (match := single.fullmatch(name) or index.fullmatch(name))
    }
    return sorted(found, key=lambda variant: (variant != "", variant != ".fp16", variant))


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
