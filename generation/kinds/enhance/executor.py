"""Executes an enhancement: the stages after decoding, on the frames of a finished file."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from generation.media.frames import FrameFolder
from generation.states import Stage
from generation.worker import source_files
from generation.worker.frame_stages import FrameStages


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
        """Write the frames of the finished file to the disk, as decoding does in a render."""
        with self.clock.stage(Stage.LOAD, self.spec.frames):
            return self.collect(
                "source",
                self.spec.frames,
                lambda start: islice(source_files.frames(self.spec, self.folder), start, None),
            )
