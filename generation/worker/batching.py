"""Several alike jobs, denoised together; each keeps its own seed, progress, end and files."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace

import torch

from generation.media.files import StoredOutput
from generation.pipelines.base import Conditioning, Pipeline
from generation.pipelines.loop.step import Step
from generation.states import Stage
from generation.worker.stages import Rendering

Ending = Callable[[Rendering], AbstractContextManager[None]]
"""Around anything that one job does: whatever is raised inside ends that job, and goes no further.

Afterwards `Rendering.ended` says whether it has ended."""

Complete = Callable[[Rendering, list[StoredOutput]], None]
"""Ends a job with its files."""


def make_together(renders: list[Rendering], ending: Ending, complete: Complete) -> None:
    """Render a batch. A job that ends early leaves the batch; the others go on.

    What goes wrong with the denoising itself goes wrong with all that are still in it.
    """
    begun = [(render, _begun(render, ending)) for render in renders]
    members = [(render, *parts) for render, parts in begun if parts is not None]
    if not members:
        return
    inside = [render for render, _, _ in members]
    pipeline = members[0][1]
    try:
        latents = _denoised(inside, pipeline, [words for _, _, words in members], ending)
    except Exception as problem:
        for render in inside:
            if not render.ended:
                with ending(render):
                    raise problem
        return
    staying = [render for render in inside if not render.ended]
    if not staying:
        return
    for render, own in zip(staying, latents.split(1), strict=True):
        with ending(render):
            complete(render, render.finish(render.decode(pipeline, own)))


def _begun(render: Rendering, ending: Ending) -> tuple[Pipeline, Conditioning] | None:
    begun: list[tuple[Pipeline, Conditioning]] = []
    with ending(render):
        begun.append(render.begin())
    return begun[0] if begun else None


def _denoised(
    inside: list[Rendering], pipeline: Pipeline, conditionings: list[Conditioning], ending: Ending
) -> torch.Tensor:
    """Latents (B, C, h, w) of those that have not ended, in their order."""
    rows = list(inside)

    def on_step(step: Step) -> list[int] | None:
        clean = step.clean
        for row, render in enumerate(rows):
            with ending(render):
                render.clock.step(replace(step, clean=_row_of(clean, row)), pipeline)
        stay = [row for row, render in enumerate(rows) if not render.ended]
        if len(stay) == len(rows):
            return None
        rows[:] = [rows[row] for row in stay]
        return stay

    with ExitStack() as stages:
        for render in inside:
            stages.enter_context(render.clock.stage(Stage.DENOISE))
        return pipeline.denoise_batch([one.spec for one in inside], conditionings, on_step)


def _row_of(
    clean: Callable[[], torch.Tensor] | None, row: int
) -> Callable[[], torch.Tensor] | None:
    """The predicted latents of one member, (1, C, h, w), computed when asked."""
    return None if clean is None else lambda: clean()[row : row + 1]
