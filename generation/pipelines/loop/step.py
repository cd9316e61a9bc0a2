"""What the loop reports after each step, and the state from which a denoising can resume."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True, slots=True)
class LoopState:
    """A denoising between two timesteps: all that the remaining ones depend on, on the CPU.

    Of the timesteps that the render makes, `done` are finished; that is `number` whole steps.
    `generator` is the state of the random generator (uint8), `scheduler` the result of
    `scheduler_state.take`.
    """

    done: int
    latents: torch.Tensor
    generator: torch.Tensor
    scheduler: dict[str, Any]
    number: int


@dataclass(frozen=True, slots=True)
class Step:
    """The progress of a denoising: `number` of `total` steps are finished.

    Long clips are denoised in windows. After a window, `number` steps are finished and `window` of
    `windows` in the step that follows; after the last window, `number` includes that step. `clean`
    computes the picture predicted so far, as latents of the render's own shape. It takes some time,
    so only code that needs a preview calls it. It is None between two windows.

    `save` copies all that the rest of the denoising depends on, as it is at the time of the call.
    The `save` of the last finished step may also be called between the windows of the next step.
    It is None between two windows, in a batch of several renders, and for a scheduler that
    keeps more than plain data.
    """

    number: int
    total: int
    clean: Callable[[], torch.Tensor] | None
    window: int = 1
    windows: int = 1
    save: Callable[[], LoopState] | None = None

    @property
    def finished(self) -> bool:
        """True after a whole step, False between two windows of a step."""
        return self.window == self.windows


OnStep = Callable[[Step], None]
"""Called after every step and every window. An exception from it ends the loop at once; nothing is
decoded then."""

OnBatchStep = Callable[[Step], Sequence[int] | None]
"""Like OnStep. Returns the rows of the current batch that stay in it, numbered from 0 and in this
order; None keeps all rows. The loop ends when no row is left."""
