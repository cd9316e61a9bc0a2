"""The stages after decoding, from frames on the disk to stored files."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import diffusers
import torch
from django.core.files.storage import default_storage
from django.db.models import Q
from django.utils import timezone
from PIL import Image

from generation.errors import ModelUnreadable
from generation.field import MediaType
from generation.library import weights
from generation.library.upscalers import converted_folder, upscaler_folder
from generation.media.files import Shelf, StoredOutput, unwritable
from generation.media.frames import FrameFolder
from generation.models import Attempt, ModelCard, Output
from generation.pipelines.interpolate.interpolate import interpolate
from generation.pipelines.model_files import ModelFiles, scheduler_of
from generation.pipelines.upscale.methods import UPSCALERS
from generation.pipelines.upscale.upscale import discover, load_upscaler
from generation.states import Stage
from generation.version import VERSION
from generation.worker import finished_files
from generation.worker.execution import Execution, ExecutionContext
from generation.worker.resume import kept_frames

From = Callable[[int], Iterable[Image.Image]]
"""Yields the frames from the given number on, counted from 0."""


class FrameStages(Execution):
    """Base class of executions that make pictures and clips: from frames to stored files.

    All frames are on the disk between two stages, so memory stays bounded. Each stage may raise a
    RenderError or an Interruption.
    """

    def __init__(self, context: ExecutionContext) -> None:
        super().__init__(context)
        self.folder = work_folder(self.attempt)
        self.model: ModelFiles | None = None
        self._shelf = Shelf(self.attempt.job_id, self.attempt.number, timezone.now().date())

    def finish(self, frames: FrameFolder) -> list[StoredOutput]:
        """Interpolate, upscale, write, check and store the frames; return the stored files."""
        return self._finished(self._upscaled(self._interpolated(frames)))

    def collect(self, name: str, count: int, pictures: From) -> FrameFolder:
        """Add frames to the folder `name` until it holds `count`; existing frames stay."""
        with unwritable():
            frames = FrameFolder(self.folder / name)
        if frames:
            self.clock.go_on(len(frames), count)
            self.attempt.resumed_from = self.attempt.resumed_from or len(frames)
        if len(frames) == count:
            return frames
        for picture in pictures(len(frames)):
            with unwritable():
                frames.add(picture)
            self._on_frame(len(frames))
        return frames

    @property
    def identity(self) -> str:
        """Everything a resumed render must share with the saved one to give the identical picture.

        It names the spec, the weights, the device type, the number format and the libraries.
        """
        return ":".join(
            (
                self.spec.content_hash(),
                self.model.weights_hash if self.model else "",
                self.models.device.type,
                str(self.models.dtype),
                torch.__version__,
                diffusers.__version__,
            )
        )

    def verify_weights(self, card: ModelCard) -> None:
        """Check that a model's files are those that were registered. Raises ModelChanged."""
        try:
            weights.verify(card, self.interruptions.check_between_frames)
        except OSError as problem:
            raise ModelUnreadable(f"{card.slug} cannot be read: {problem.strerror}") from problem

    def take_over(self) -> None:
        """Continue with the frames that an earlier attempt saved."""
        kept_frames.take_over(self.folder, self.attempt.job_id, self.identity)

    def save(self) -> int:
        """Keep the frames between the stages. No steps are saved, so this returns 0."""
        kept_frames.keep(self.folder, self.attempt.job_id, self.identity)
        return 0

    def discard_saved(self) -> None:
        """See Execution."""
        kept_frames.discard(self.attempt.job_id)

    def clean_up(self) -> None:
        """Delete the frames between the stages, and files that no row of the database names.

        Such files exist when the attempt did not complete, or its completion was refused.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        names = self._shelf.written
        named = Q(file__in=names) | Q(thumbnail__in=names) | Q(strip__in=names)
        rows = Output.objects.filter(named).values_list("file", "thumbnail", "strip")
        for name in set(names) - {name for row in rows for name in row}:
            default_storage.delete(name)

    def _on_frame(self, number: int) -> None:
        self.clock.frame(number)
        self.interruptions.check_between_frames()

    def _interpolated(self, frames: FrameFolder) -> FrameFolder:
        if self.spec.interpolate == 1:
            return frames
        with self.clock.stage(Stage.INTERPOLATE, self.spec.delivered_frames):
            return self._replace(
                frames,
                "interpolated",
                self.spec.delivered_frames,
                lambda start: interpolate(
                    frames,
                    self.spec.interpolate,
                    loop=self.spec.loop,
                    name=self.spec.interpolator,
                    start=start,
                ),
            )

    def _upscaled(self, frames: FrameFolder) -> FrameFolder:
        if self.spec.upscale == 1:
            return frames
        with self.clock.stage(Stage.UPSCALE, len(frames)):
            upscaler = load_upscaler(
                self.spec.upscaler,
                self.spec.upscale,
                self.models.device,
                self.models.dtype,
                converted_folder(),
                {**UPSCALERS, **discover(upscaler_folder(), converted_folder())},
            )
            return self._replace(
                frames,
                "upscaled",
                len(frames),
                lambda start: map(upscaler.upscale, (frames[i] for i in range(start, len(frames)))),
            )

    def _finished(self, frames: FrameFolder) -> list[StoredOutput]:
        """Write the files, read them back, check them and move them to the storage."""
        # A short decoding may have passed without a question, and a stored file is not taken back.
        self.interruptions.check()
        provenance = self._provenance()
        if self.spec.type == MediaType.IMAGE:
            with self.clock.stage(Stage.WRITE):
                return [self._shelf.picture(frames[0], provenance)]
        with self.clock.stage(Stage.WRITE, self.spec.delivered_frames):
            written = finished_files.write(
                self.spec, frames, self.folder, provenance, self._on_frame
            )
        with self.clock.stage(Stage.CHECK, self.spec.delivered_frames):
            consistency = finished_files.check(self.spec, frames, written, self._on_frame)
            self.interruptions.check()
            return finished_files.store(
                self.spec, frames, written, consistency, self._shelf, self.folder
            )

    def _replace(self, old: FrameFolder, name: str, count: int, pictures: From) -> FrameFolder:
        """Collect the new frames, then delete the old ones that they were made of."""
        frames = self.collect(name, count, pictures)
        old.remove()
        return frames

    def _provenance(self) -> dict[str, object]:
        """The metadata written into the file: the spec and how it was rendered, never a date."""
        spec = self.spec
        return {
            "genga": VERSION,
            "spec": spec.as_json(),
            "spec_hash": spec.content_hash(),
            "seed": spec.seed,
            "model_hash": self.model.weights_hash if self.model else None,
            **({"scheduler": spec.scheduler or scheduler_of(self.model)} if self.model else {}),
            **({"batch": self.attempt.batch_size} if self.attempt.batch_size > 1 else {}),
        }


def work_folder(attempt: Attempt) -> Path:
    """The folder in which an attempt keeps its frames while it runs."""
    return kept_frames.root() / f"{attempt.job_id}-{attempt.number}"
