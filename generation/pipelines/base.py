"""The interface of a model family, whatever its architecture.

The worker calls `encode`, `denoise` and `decode` in this order and times each of them. A new family
is a new package under `families/` with its declaration and a class that implements `Pipeline`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

import torch
from PIL import Image

from generation.pipelines.loop.step import LoopState, OnBatchStep, OnStep
from generation.pipelines.model_files import LoraFile, ModelFiles
from generation.specs import RenderSpec

Check = Callable[[], None]
"""Called between the parts of a load, regularly while a part is read, and between the blocks of a
denoiser. It raises an Interruption to abandon the load or the denoising."""

Conditioning = object
"""A family's encoded texts, as its own `denoise` needs them. Opaque to all other code."""


class Pipeline(Protocol):
    """A loaded model of one family."""

    nbytes: int

    def encode(self, spec: RenderSpec, loras: tuple[LoraFile, ...]) -> Conditioning:
        """Encode the spec's texts for `denoise`, with these LoRAs switched on."""

    def denoise(
        self,
        spec: RenderSpec,
        conditioning: Conditioning,
        on_step: OnStep,
        first_frame: Image.Image | None = None,
        resume: LoopState | None = None,
    ) -> torch.Tensor:
        """Turn the noise of the spec's seed into latents, calling `on_step` after each step.

        Latents are (1, C, H/8, W/8), those of a clip (1, C, frames, H/8, W/8). `first_frame` is
        the picture that a clip begins with, in the spec's size. `resume` is a state that a step of
        the same spec, conditioning and first frame saved: only the remaining steps are made, and
        the latents are bit-identical to those of an uninterrupted run.
        """

    def denoise_batch(
        self,
        specs: Sequence[RenderSpec],
        conditionings: Sequence[Conditioning],
        on_step: OnBatchStep,
    ) -> torch.Tensor:
        """Latents (B, C, H/8, W/8) of specs that differ only in texts and seed.

        Each row has its own noise. Except for rounding it equals what `denoise` makes of its spec
        (exactly, in a batch of one), also after other rows have left. The result has the rows that
        `on_step` kept. Raises ValueError for specs that differ in anything else, and
        NotImplementedError in families that do not batch (`Family.batches`).
        """

    def asking(self, check: Check) -> AbstractContextManager[None]:
        """Call `check` before every block of the denoiser within this context.

        An exception from `check` ends the denoising in the middle of a step. The state that the
        last finished step can save stays valid.
        """

    def decode(self, latents: torch.Tensor) -> Iterator[Image.Image]:
        """Yield one picture for each frame, one at a time, so that memory stays bounded.

        Raises RenderError when the decoder gives values that are not finite.
        """

    def preview(self, latents: torch.Tensor) -> Image.Image:
        """A rough picture of the latents at an eighth of the size, in less than a millisecond.

        It shows the first row: `latents[row : row + 1]` is one member of a batch.
        """


Loader = Callable[[ModelFiles, torch.device, torch.dtype, Check], Pipeline]
