"""Executes one render of a batch: its model, conditioning, steps and frames."""

from __future__ import annotations

from itertools import islice

import torch
from PIL import Image

from generation.media.frames import FrameFolder
from generation.models import ModelCard
from generation.pipelines.base import Conditioning, Pipeline
from generation.pipelines.loop.step import Step
from generation.states import Stage
from generation.worker import source_files
from generation.worker.execution import ExecutionContext
from generation.worker.frame_stages import FrameStages
from generation.worker.resume.snapshot_writer import SnapshotWriter


class Member(FrameStages):
    """One attempt at a render.

    Members of a batch are not bit-identical to single renders. So their work is not saved, and
    they do not resume.
    """

    pipeline: Pipeline
    conditioning: Conditioning
    first_frame: Image.Image | None

    def __init__(self, context: ExecutionContext) -> None:
        super().__init__(context)
        self.is_alone = self.attempt.batch_size == 1
        self.snapshots = SnapshotWriter(self.attempt)

    def begin(self) -> None:
        """Load the model, encode the texts, and read the first frame and the snapshot, if any."""
        self.pipeline = self._load()
        self.interruptions.check()
        if self.is_alone:
            self.take_over()
        with self.clock.stage(Stage.ENCODE):
            self.conditioning = self.pipeline.encode(self.spec, source_files.loras(self.spec))
            self.first_frame = source_files.first_frame(self.spec, self.folder)
        if self.is_alone:
            self.snapshots.resume(self.identity)
        self.interruptions.check()

    def after_step(self, step: Step) -> None:
        """Report, check and save after one more step, or window of a step."""
        if self.is_alone:
            self.snapshots.hold(step)
        self.clock.step(step, self.pipeline)
        self.interruptions.may_yield = step.finished
        self.interruptions.check()
        if self.is_alone:
            self.snapshots.write_now_and_then()

    def decode(self, latents: torch.Tensor) -> FrameFolder:
        """Decode the latents into frames on the disk."""
        with self.clock.stage(Stage.DECODE, self.spec.frames):
            return self.collect(
                "drawn",
                self.spec.frames,
                lambda start: islice(self.pipeline.decode(latents), start, None),
            )

    def save(self) -> int:
        """Keep the frames between the stages and write a snapshot; return the steps saved."""
        if not self.is_alone:
            return 0
        super().save()
        return self.snapshots.write()

    def discard_saved(self) -> None:
        """See Execution."""
        self.snapshots.discard()
        super().discard_saved()

    def _load(self) -> Pipeline:
        card = ModelCard.objects.select_related("base").get(pk=self.attempt.job.model_id)
        self.model = card.files
        self.attempt.cold = not self.models.holds(self.model)
        with self.clock.stage(Stage.LOAD):
            if self.attempt.cold:
                self.verify_weights(card)
            return self.models.get(self.model, check=self.interruptions.check)
