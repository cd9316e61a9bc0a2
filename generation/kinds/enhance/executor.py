"""An enhancement: the stages after the drawing, on the frames of a finished file."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from generation.media.frames import FrameFolder
from generation.states import Stage
from generation.worker import source_files
from generation.worker.stages import FrameStages


class Enhance(FrameStages):
    """One attempt at an enhancement."""

    @classmethod
    def run(cls, members: Sequence[Enhance]) -> None:
        """See Execution."""
        for member in members:
            with member.ending():
                member.take_over()
                member.complete(member.finish(member.source()))

    def source(self) -> FrameFolder:
        """The frames of the finished file, in place of drawn ones."""
        with self.clock.stage(Stage.LOAD, self.spec.frames):
            return self.collect(
                "source",
                self.spec.frames,
                lambda start: islice(source_files.frames(self.spec, self.folder), start, None),
            )
