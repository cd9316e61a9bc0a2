"""DeepCache: steps that compute only the outermost layers of the denoiser.

The output of a UNet's deep layers changes little from one step to the next (Ma et al. 2023,
"DeepCache: Accelerating Diffusion Models for Free"). With an interval of N every Nth step computes
all layers. The others compute only the first down block and the last up block, and use the deep
layers' last output in between. This is faster, and the picture differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch


class DeepCache:
    """A diffusers UNet of pictures or clips, called like one; call `next_step` before each step.

    A step may call it several times, once for each window of a clip. Each window has its own cache
    in the host's memory, which is larger than the device's.
    """

    def __init__(self, unet: Any, interval: int, begun: int = 0) -> None:
        """`begun` steps were made before; the next one is whole only if `interval` divides it."""
        self._unet = unet
        self._interval = interval if len(unet.up_blocks) > 1 else 1
        self._step = begun - 1
        self._window = 0
        self._deep: dict[int, torch.Tensor] = {}
        self._skips: list[int] = []

    def next_step(self) -> None:
        """Begin the next step."""
        self._step += 1
        self._window = 0

    def __call__(self, *args: Any, **named: Any) -> torch.Tensor:
        """The UNet's prediction."""
        window, self._window = self._window, self._window + 1
        if self._interval == 1:
            return self._evaluate(*args, **named)
        whole = self._step % self._interval == 0
        with self._caching(window) if whole else self._skipping(window):
            return self._evaluate(*args, **named)

    def _evaluate(self, *args: Any, **named: Any) -> torch.Tensor:
        prediction: torch.Tensor = self._unet(*args, **named, return_dict=False)[0]
        return prediction

    @contextmanager
    def _caching(self, window: int) -> Iterator[None]:
        """Cache the input of the last up block, and count the skips of each down block."""
        unet = self._unet
        self._skips = []

        def keep(_module: Any, _args: Any, output: torch.Tensor) -> None:
            # On the meta device, where operations are only counted, there is nothing to copy.
            self._deep[window] = output if output.is_meta else output.to("cpu")

        def count(_module: Any, _args: Any, output: tuple[torch.Tensor, Any]) -> None:
            self._skips.append(len(output[1]))

        hooks = [unet.up_blocks[-2].register_forward_hook(keep)]
        hooks += [block.register_forward_hook(count) for block in unet.down_blocks[1:]]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    @contextmanager
    def _skipping(self, window: int) -> Iterator[None]:
        """Make all but the outermost blocks pass on their input, at no cost."""
        unet, deep = self._unet, self._deep[window]
        with ExitStack() as replaced:
            for block, skips in zip(unet.down_blocks[1:], self._skips, strict=True):
                replaced.enter_context(_forward(block, _passing_down(skips)))
            for block in (unet.mid_block, *unet.up_blocks[:-2]):
                if block is not None:
                    replaced.enter_context(_forward(block, _passing))
            replaced.enter_context(
                _forward(unet.up_blocks[-2], lambda hidden_states, *_, **__: deep.to(hidden_states))
            )
            yield


def _passing(hidden_states: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
    return hidden_states


def _passing_down(skips: int) -> Callable[..., tuple[torch.Tensor, tuple[torch.Tensor, ...]]]:
    """A down block that computes nothing. Its skips are read only by blocks that ignore them."""

    def forward(
        hidden_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        return hidden_states, (hidden_states,) * skips

    return forward


@contextmanager
def _forward(block: Any, forward: Callable[..., Any]) -> Iterator[None]:
    """Replace a block's forward within this context."""
    block.forward = forward
    try:
        yield
    finally:
        del block.forward
