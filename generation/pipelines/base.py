"""What a model family provides, whatever its architecture.

The worker calls `encode`, `denoise` and `decode` one after another and looks at the clock in
between. A new family is a new module with a class like this and one line in `families.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import torch
from PIL import Image

from generation.errors import ModelUnreadable
from generation.pipelines.families import FAMILIES
from generation.specs import RenderSpec


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Where a model's weights are and what identifies their content."""

    slug: str
    family: str
    folder: Path
    weights_hash: str


@dataclass(frozen=True, slots=True)
class LoraFile:
    """A LoRA on the local disk; `name` identifies its content, `scale` its strength."""

    name: str
    path: Path
    scale: float


@dataclass(frozen=True, slots=True)
class Step:
    """One finished denoising step.

    `clean` computes the picture predicted so far as latents (1, C, H/8, W/8); it costs a little,
    so whoever wants a preview calls it and others do not.
    """

    number: int
    total: int
    clean: Callable[[], torch.Tensor]


OnStep = Callable[[Step], None]
"""Called after every step. What it raises leaves the loop at once; nothing is decoded then."""


class Pipeline(Protocol):
    """A loaded model of one family."""

    nbytes: int

    def encode(self, spec: RenderSpec, loras: tuple[LoraFile, ...]) -> torch.Tensor:
        """Text to conditioning. With guidance the negative comes first: (2, tokens, width)."""

    def denoise(
        self, spec: RenderSpec, conditioning: torch.Tensor, on_step: OnStep
    ) -> torch.Tensor:
        """Noise of the spec's seed to latents (1, C, H/8, W/8), calling `on_step` in between."""

    def decode(self, latents: torch.Tensor) -> list[Image.Image]:
        """Latents to pictures, one for each frame. Raises RenderError on values that are none."""

    def preview(self, latents: torch.Tensor) -> Image.Image:
        """A rough picture of latents, an eighth of the size, for less than a millisecond."""


Loader = Callable[[ModelFiles, torch.device, torch.dtype], Pipeline]

_importing = threading.Lock()
"""diffusers puts another module in its own place while it is imported: a second thread that
imports it meanwhile is left with the first one, which is empty, and gets an ImportError."""


def load(files: ModelFiles, device: torch.device, dtype: torch.dtype) -> Pipeline:
    """The model in memory on `device`. Raises ModelMissing or ModelUnreadable."""
    try:
        module, _, name = FAMILIES[files.family].partition(":")
    except KeyError:
        raise ModelUnreadable(f"No pipeline renders the family {files.family!r}.") from None
    with _importing:
        loader: Any = getattr(import_module(module), name)
    pipeline: Pipeline = loader(files, device, dtype)
    return pipeline


def warm_up() -> None:
    """Import what every family needs, some seconds' work, and keep its libraries quiet.

    Called beside the start of a worker, so that its first job pays only for reading weights.
    """
    with _importing:
        from diffusers.utils import logging as diffusers_logging
        from transformers.utils import logging as transformers_logging

        for logging in (diffusers_logging, transformers_logging):
            logging.set_verbosity_error()
            logging.disable_progress_bar()
        for path in FAMILIES.values():
            import_module(path.partition(":")[0])
