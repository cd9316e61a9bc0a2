"""The denoising of one render, or of several together as a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import torch
from django.db import DatabaseError

from generation.kinds.render.member import Member
from generation.pipelines.loop.step import Step
from generation.states import Stage


class _AllEnded(Exception):
    """Aborts a denoising after all members have ended."""


class Denoising:
    """Denoises all members together. `_rows` are the members that have a row of the latents.

    A member ends as soon as there is a reason, but its row stays until the end of the step.
    """

    def __init__(self, members: Sequence[Member]) -> None:
        self._rows = list(members)
        self._stages = {member.attempt.job_id: ExitStack() for member in members}

    def run(self) -> list[tuple[Member, torch.Tensor]]:
        """Return the members that have not ended, each with its latents (1, C, ..., h, w).

        An error of the denoising itself ends all members that are still in it.
        """
        if not self._rows:
            return []
        try:
            for member in self._rows:
                open_stage = self._stages[member.attempt.job_id]
                open_stage.enter_context(member.clock.stage(Stage.DENOISE))
            latents = self._denoise()
        except _AllEnded:
            return []
        except DatabaseError:
            # The end of a member could not be written. Its other errors do not get this far.
            raise
        except Exception as problem:
            for member in self._present():
                with self._leaving(member):
                    raise problem
            return []
        finally:
            for open_stage in self._stages.values():
                open_stage.close()
        return list(zip(self._rows, latents.split(1), strict=True))

    def _denoise(self) -> torch.Tensor:
        first = self._rows[0]
        pipeline = first.pipeline
        with pipeline.asking(self._within_step):
            if first.is_alone:
                return pipeline.denoise(
                    first.spec,
                    first.conditioning,
                    self._after_only_step,
                    first.first_frame,
                    first.snapshots.state,
                )
            return pipeline.denoise_batch(
                [member.spec for member in self._rows],
                [member.conditioning for member in self._rows],
                self._after_step,
            )

    def _within_step(self) -> None:
        for member in self._present():
            with self._leaving(member):
                member.interruptions.check_within_step()
        if not self._present():
            raise _AllEnded

    def _after_only_step(self, step: Step) -> None:
        self._after_step(step)

    def _after_step(self, step: Step) -> list[int] | None:
        """Return the rows that stay in the batch; None if all do."""
        for row, member in enumerate(self._rows):
            if not member.ended:
                with self._leaving(member):
                    member.after_step(replace(step, clean=_row_of(step.clean, row)))
        stay = [row for row, member in enumerate(self._rows) if not member.ended]
        if not stay:
            raise _AllEnded
        if len(stay) == len(self._rows):
            return None
        self._rows = [self._rows[row] for row in stay]
        return stay

    def _present(self) -> list[Member]:
        return [member for member in self._rows if not member.ended]

    @contextmanager
    def _leaving(self, member: Member) -> Iterator[None]:
        """Like `member.ending()`, and stop timing the stage of a member that ends."""
        with member.ending():
            try:
                yield
            except Exception:
                self._stages[member.attempt.job_id].close()
                raise


def _row_of(
    clean: Callable[[], torch.Tensor] | None, row: int
) -> Callable[[], torch.Tensor] | None:
    """A function that computes the predicted latents of one member, (1, C, h, w)."""
    return None if clean is None else lambda: clean()[row : row + 1]
