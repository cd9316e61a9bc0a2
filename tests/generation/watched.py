"""The real demo model with a word in between, so that a test can act at an exact step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from generation.pipelines.families.stable_diffusion.pipeline import StableDiffusion

if TYPE_CHECKING:
    import torch
    from PIL import Image

    from generation.pipelines.base import Check
    from generation.pipelines.loop.step import LoopState, OnStep, Step
    from generation.specs import RenderSpec


class WatchedModel(StableDiffusion):
    """Counts its steps and decodes; `between`, `inside` and `before_decode` run on the render thread."""

    def watch(self) -> WatchedModel:
        """Forget an earlier test."""
        self.steps: list[int] = []
        self.decodes = 0
        self.between: Callable[[Step], object] = lambda step: None
        self.inside: Callable[[], object] = lambda: None
        self.before_decode: Callable[[], object] = lambda: None
        return self

    @contextmanager
    def asking(self, check: Check) -> Iterator[None]:
        """Between the blocks of the layers too."""

        def both() -> None:
            self.inside()
            check()

        with super().asking(both):
            yield

    def denoise(
        self,
        spec: RenderSpec,
        conditioning: torch.Tensor,
        on_step: OnStep,
        first_frame: Image.Image | None = None,
        resume: LoopState | None = None,
    ) -> torch.Tensor:
        """The model's own loop; the test's word comes before the worker's."""

        def both(step: Step) -> None:
            self.steps.append(step.number)
            self.between(step)
            on_step(step)

        return super().denoise(spec, conditioning, both, first_frame, resume)

    def decode(self, latents: torch.Tensor) -> Iterator[Image.Image]:
        """The model's own decoder."""
        self.decodes += 1
        self.before_decode()
        return super().decode(latents)
