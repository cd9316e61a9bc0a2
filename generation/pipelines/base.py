"""What a model family provides, whatever its architecture.

The worker calls `encode`, `denoise` and `decode` one after another and looks at the clock in
between. A new family is a new module with a class like this and one line in `families.py`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol

import torch
from PIL import Image

from generation.errors import ModelUnreadable
from generation.pipelines.model_files import LoraFile, ModelFiles
from generation.pipelines.registry import FAMILIES
from generation.specs import RenderSpec

if TYPE_CHECKING:
    from generation.pipelines.loop.denoise import LoopState


@dataclass(frozen=True, slots=True)
class Step:
    """How far the denoising is: `number` of `total` steps are finished.

    Long clips are denoised in windows; then `window` of `windows` are finished in the step after
    those, and with the last of them the step itself is. `clean` computes the picture predicted so
    far as latents of the render's own shape; it costs a little, so whoever wants a preview calls
    it and others do not. Between two windows there is none.

    `save` copies everything that the rest of the denoising depends on, as it is when it is
    called: whoever holds the last finished step's may call it between the windows of the next
    one too. There is none between two windows, none while several renders are denoised together,
    and none for a scheduler that keeps more than plain data.
    """

    number: int
    total: int
    clean: Callable[[], torch.Tensor] | None
    window: int = 1
    windows: int = 1
    save: Callable[[], LoopState] | None = None

    @property
    def finished(self) -> bool:
        """True after a whole step, False between two windows of one."""
        return self.window == self.windows


OnStep = Callable[[Step], None]
"""Called after every step, and after every window of one. What it raises leaves the loop at
once; nothing is decoded then."""

OnBatchStep = Callable[[Step], Sequence[int] | None]
"""As OnStep. Returns which rows of the batch as it is now stay in it, by their numbers from 0 and
in this order; None for all of them. With none left the loop ends."""

Check = Callable[[], None]
"""Called between the parts of a load, now and then while one is read, and between the blocks of a
denoiser. It raises an Interruption to leave what goes on."""


class Pipeline(Protocol):
    """A loaded model of one family."""

    nbytes: int

    def encode(self, spec: RenderSpec, loras: tuple[LoraFile, ...]) -> torch.Tensor:
        """Text to conditioning. With guidance the negative comes first: (2, tokens, width)."""

    def denoise(
        self,
        spec: RenderSpec,
        conditioning: torch.Tensor,
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
        conditionings: Sequence[torch.Tensor],
        on_step: OnBatchStep,
    ) -> torch.Tensor:
        """Latents (B, C, H/8, W/8) of specs that differ only in texts and seed.

        Each has its own noise, so that a row is what `denoise` makes of its spec but for rounding
        (a batch of one is bit for bit that), and stays so when others leave. What is returned has
        the rows that `on_step` left in. Raises ValueError for specs that differ in more,
        NotImplementedError by families that are not among BATCHING.
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

_importing = threading.Lock()
"""diffusers puts another module in its own place while it is imported: a second thread that
imports it meanwhile is left with the first one, which is empty, and gets an ImportError."""


def load(
    files: ModelFiles, device: torch.device, dtype: torch.dtype, check: Check = lambda: None
) -> Pipeline:
    """The model in memory on `device`.

    Raises ModelMissing, ModelUnreadable, or what `check` raises.
    """
    try:
        module, _, name = FAMILIES[files.family].partition(":")
    except KeyError:
        raise ModelUnreadable(f"No pipeline renders the family {files.family!r}.") from None
    with _importing:
        loader: Any = getattr(import_module(module), name)
    pipeline: Pipeline = loader(files, device, dtype, check)
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
