"""Upscales finished pictures: loads a method, and finds more networks in a folder."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import torch
from PIL import Image

from generation.errors import ModelMissing, ModelUnreadable
from generation.pipelines.upscale.convert import as_safetensors
from generation.pipelines.upscale.methods import (
    CLASSICAL,
    NETWORK,
    UPSCALERS,
    Method,
    default_name,
    names_for,
)
from generation.pipelines.upscale.network_files import SUFFIXES, read_factor, read_network
from generation.pipelines.upscale.tiles import TiledNetwork

__all__ = [
    "UPSCALERS",
    "Lanczos",
    "Method",
    "Upscaler",
    "default_name",
    "discover",
    "load_upscaler",
    "names_for",
]

logger = logging.getLogger(__name__)


class Upscaler(Protocol):
    """A loaded method for one factor."""

    nbytes: int

    def upscale(self, picture: Image.Image) -> Image.Image:
        """The picture in RGB, `factor` times as large on each side. Raises RenderError."""


class Lanczos:
    """The classical method: windowed sinc interpolation, which adds no detail."""

    nbytes = 0

    def __init__(self, factor: int) -> None:
        self.factor = factor

    def upscale(self, picture: Image.Image) -> Image.Image:
        """See Upscaler."""
        size = (picture.width * self.factor, picture.height * self.factor)
        return picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)


def load_upscaler(
    name: str,
    factor: int,
    device: torch.device,
    dtype: torch.dtype,
    converted: Path,
    known: Mapping[str, Method] = UPSCALERS,
) -> Upscaler:
    """Load the method into the memory of `device`. Raises ModelMissing or ModelUnreadable.

    `converted` is the folder of converted networks, see `convert.as_safetensors`.
    """
    if name not in known or factor not in known[name].factors:
        offered = ", ".join(names_for(factor, known)) or "none"
        raise ModelMissing(
            f"No upscaler {name!r} enlarges by {factor}.", f"For this factor there are: {offered}."
        )
    method = known[name]
    if method.kind == CLASSICAL:
        return Lanczos(factor)
    return TiledNetwork(
        read_network(as_safetensors(method.path(factor), converted)), factor, device, dtype
    )


def discover(folder: Path, converted: Path) -> dict[str, Method]:
    """More methods from a folder, named after their files: `.param` with `.bin`, `.safetensors`.

    Files that cannot be read, or that have the name of another method, are skipped with a warning
    in the log. A missing folder gives no methods. Networks in ncnn's format are converted into the
    folder `converted`. Pass the result to the functions above as
    `{**UPSCALERS, **discover(...)}`.
    """
    found: dict[str, Method] = {}
    named = (path for suffix in SUFFIXES for path in folder.glob(f"*{suffix}"))
    for path in sorted(path for path in named if path.is_file()):
        if path.stem in UPSCALERS or path.stem in found:
            logger.warning("%s is left out: another upscaler has this name.", path)
            continue
        try:
            factor = read_factor(as_safetensors(path, converted))
        except (ModelMissing, ModelUnreadable) as problem:
            logger.warning("%s is left out: %s", path, problem.message)
            continue
        factors = (2, 4) if factor == 4 else (factor,)
        files = dict.fromkeys(factors, path.absolute())
        found[path.stem] = Method(label=path.stem, kind=NETWORK, factors=factors, files=files)
    return found
