"""What a model family provides, whatever its architecture.

The worker calls `encode`, `denoise` and `decode` one after another and looks at the clock in
between. A new family is a new package under `families/`: its declaration and a class like this.
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
"""Called between the parts of a load, now and then while one is read, and between the blocks of a
denoiser. It raises an Interruption to leave what goes on."""

Conditioning = object
"""What a family makes of the texts: whatever its own `denoise` needs. Nobody else looks inside."""


class Pipeline(Protocol):
    """A loaded model of one family."""

    nbytes: int

    def encode(self, spec: RenderSpec, loras: tuple[LoraFile, ...]) -> Conditioning:
        """What `denoise` needs of the spec's texts, under these LoRAs."""

    def denoise(
        self,
        spec: RenderSpec,
        conditioning: Conditioning,
        on_step: OnStep,
        first_frame: Image.Image | None = None,
        resume: LoopState | None = None,
    ) -> torch.Tensor:
        """Noise of the spec's seed to latents, calling `on_step` in between.

        Latents are (1, C, H/8, W/8), those of a clip (1, C, frames, H/8, W/8). `first_frame`, of
        the spec's size, is what a clip begins with. With `resume`, saved by a step of the same
        spec, conditioning and first frame, the rest is made of it, to the very same latents.
        """

    def denoise_batch(
        self,
        specs: Sequence[RenderSpec],
        conditionings: Sequence[Conditioning],
        on_step: OnBatchStep,
    ) -> torch.Tensor:
        """Latents (B, C, H/8, W/8) of specs that differ only in texts and seed.

        Each has its own noise, so that a row is what `denoise` makes of its spec but for rounding
        (a batch of one is bit for bit that), and stays so when others leave. What is returned has
        the rows that `on_step` left in. Raises ValueError for specs that differ in more,
        NotImplementedError by families that do not batch (`Family.batches`).
        """

    def asking(self, check: Check) -> AbstractContextManager[None]:
        """Within it, `check` is called before every block of the denoiser's layers.

        What it raises leaves the denoising in the middle of a step; what the last finished step
        saves is as it was.
        """

    def decode(self, latents: torch.Tensor) -> Iterator[Image.Image]:
        """Latents to pictures, one for each frame and one by one, so that memory stays bounded.

        Raises RenderError on values that are no colours.
        """

    def preview(self, latents: torch.Tensor) -> Image.Image:
        """A rough picture of latents, an eighth of the size, for less than a millisecond.

        Of several rows it shows the first: `latents[row : row + 1]` is one member of a batch.
        """


Loader = Callable[[ModelFiles, torch.device, torch.dtype, Check], Pipeline]
