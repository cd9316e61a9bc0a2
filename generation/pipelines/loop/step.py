"""What the loop tells after each step, and the state that a denoising can be resumed from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True, slots=True)
class LoopState:
    """A denoising between two timesteps: all that the rest of it depends on, on the CPU.

    `done` timesteps are made of those that the render makes, which are `number` whole steps.
    `generator` is the state of its random numbers (uint8), `scheduler` what
    `scheduler_state.take` gives.
    """

    done: int
    latents: torch.Tensor
    generator: torch.Tensor
    scheduler: dict[str, Any]
    number: int


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
