"""The stages of one attempt, from the spec to its stored files."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

import diffusers
import torch
from django.core.files.storage import default_storage
from django.db.models import Q
from django.utils import timezone
from PIL import Image

from generation.field import MediaType
from generation.library.upscalers import converted_folder, upscaler_folder
from generation.media.files import Shelf, StoredOutput, unwritable
from generation.media.frames import FrameFolder
from generation.models import Attempt, ModelCard, Output
from generation.monitoring.host_load import HostLoad
from generation.pipelines.base import Conditioning, Pipeline
from generation.pipelines.interpolate.interpolate import interpolate
from generation.pipelines.loop.step import Step
from generation.pipelines.model_files import LoraFile, ModelFiles
from generation.pipelines.resident import ResidentModels
from generation.pipelines.upscale.methods import UPSCALERS
from generation.pipelines.upscale.upscale import discover, load_upscaler
from generation.specs import RenderSpec
from generation.states import Stage
from generation.version import VERSION
from generation.worker import finished_files, source_files
from generation.worker.execution import Execution
from generation.worker.interruptions import Interruptions
from generation.worker.resume import kept_frames
from generation.worker.resume.snapshot_writer import SnapshotWriter

From = Callable[[int], Iterable[Image.Image]]
"""Frames from a number on, counted from 0."""


class Rendering(Execution):
    """The execution of a render or an enhancement.

    Every frame lies on the disk between two stages, so memory stays bounded. Each stage raises a
    RenderError or an Interruption.
    """

    pipeline: Pipeline
    conditioning: Conditioning
    first_frame: Image.Image | None

    def __init__(
        self,
        attempt: Attempt,
        interruptions: Interruptions,
        host_load: HostLoad,
        models: ResidentModels,
    ) -> None:
        super().__init__(attempt, interruptions, host_load)
        self.models = models
        self.snapshots = SnapshotWriter(attempt)
        self._shelf = Shelf(attempt.job_id, attempt.number, timezone.now().date())
        self._work = work_folder(attempt)
        self._model: ModelFiles | None = None

    @property
    def resumes(self) -> bool:
        """Whether the work is saved, and what was saved is taken up.

        Not in a batch: its members are like their single renders, but not bit by bit.
        """
        return self.attempt.batch_size == 1

    def begin(self) -> None:
        """Load the model, encode the texts, and read the first frame and the snapshot, if any."""
        self.pipeline = self._load()
        self.interruptions.check()
        self._take_over()
        with self.clock.stage(Stage.ENCODE):
            self.conditioning = self.pipeline.encode(self.spec, _loras(self.spec))
            self.first_frame = source_files.first_frame(self.spec, self._work)
        if self.resumes:
            self.snapshots.resume(self._identity)
        self.interruptions.check()

    def after_step(self, step: Step) -> None:
        """One more step, or window of a step, of the denoising is done."""
        if self.resumes:
            self.snapshots.hold(step)
        self.clock.step(step, self.pipeline)
        self.interruptions.may_give_way = step.finished
        self.interruptions.check()
        if self.resumes:
            self.snapshots.write_now_and_then()

    def decode(self, latents: torch.Tensor) -> FrameFolder:
        """The drawn frames on the disk."""
        with self.clock.stage(Stage.DECODE, self.spec.frames):
            return self._collect(
                "drawn",
                self.spec.frames,
                lambda start: islice(self.pipeline.decode(latents), start, None),
            )

    def source(self) -> FrameFolder:
        """The frames of the finished file that is enhanced, in place of drawn ones."""
        self._take_over()
        with self.clock.stage(Stage.LOAD, self.spec.frames):
            return self._collect(
                "source",
                self.spec.frames,
                lambda start: islice(source_files.frames(self.spec, self._work), start, None),
            )

    def finish(self, frames: FrameFolder) -> list[StoredOutput]:
        """What comes after drawing, up to the stored files."""
        return self._finished(self._upscaled(self._interpolated(frames)))

    def save(self) -> int:
        """See Execution: the frames between the stages, and a snapshot."""
        if not self.resumes:
            return 0
        kept_frames.keep(self._work, self.attempt.job_id, self._identity)
        return self.snapshots.write()

    def discard_saved(self) -> None:
        """See Execution."""
        self.snapshots.discard()
        kept_frames.discard(self.attempt.job_id)

    def clean_up(self) -> None:
        """See Execution: the frames between the stages, and files that no row names.

        There are such files when the job ended otherwise, or its end was refused.
        """
        shutil.rmtree(self._work, ignore_errors=True)
        names = self._shelf.written
        named = Q(file__in=names) | Q(thumbnail__in=names) | Q(strip__in=names)
        rows = Output.objects.filter(named).values_list("file", "thumbnail", "strip")
        for name in set(names) - {name for row in rows for name in row}:
            default_storage.delete(name)

    def _take_over(self) -> None:
        if self.resumes:
            kept_frames.take_over(self._work, self.attempt.job_id, self._identity)

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
        """Written files, read back and checked, in the storage."""
        provenance = self._provenance()
        if self.spec.type == MediaType.IMAGE:
            with self.clock.stage(Stage.WRITE):
                return [self._shelf.picture(frames[0], provenance)]
        with self.clock.stage(Stage.WRITE, self.spec.delivered_frames):
            written = finished_files.write(
                self.spec, frames, self._work, provenance, self._on_frame
            )
        with self.clock.stage(Stage.CHECK, self.spec.delivered_frames):
            consistency = finished_files.check(self.spec, frames, written, self._on_frame)
            self.interruptions.check()
            return finished_files.store(
                self.spec, frames, written, consistency, self._shelf, self._work
            )

    def _load(self) -> Pipeline:
        card = ModelCard.objects.select_related("base").get(pk=self.attempt.job.model_id)
        self._model = card.files
        self.attempt.cold = not self.models.holds(self._model)
        with self.clock.stage(Stage.LOAD):
            return self.models.get(self._model, check=self.interruptions.check)

    def _collect(self, name: str, count: int, pictures: From) -> FrameFolder:
        """So many frames on the disk, counted one by one, behind those that lie there already."""
        with unwritable():
            frames = FrameFolder(self._work / name)
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

    def _replace(self, old: FrameFolder, name: str, count: int, pictures: From) -> FrameFolder:
        """As `_collect`; the frames that the new ones were made of are not needed any more."""
        frames = self._collect(name, count, pictures)
        old.remove()
        return frames

    def _provenance(self) -> dict[str, object]:
        """What the file itself says of its making: the spec and the attempt, and never a date."""
        return {
            "genga": VERSION,
            "spec": self.spec.as_json(),
            "spec_hash": self.spec.content_hash(),
            "seed": self.spec.seed,
            "model_hash": self._model.weights_hash if self._model else None,
            **({"batch": self.attempt.batch_size} if self.attempt.batch_size > 1 else {}),
        }

    @property
    def _identity(self) -> str:
        """What a snapshot must have been made of and with to go on to the identical picture."""
        return ":".join(
            (
                self.spec.content_hash(),
                self._model.weights_hash if self._model else "",
                self.models.device.type,
                str(self.models.dtype),
                torch.__version__,
                diffusers.__version__,
            )
        )


def work_folder(attempt: Attempt) -> Path:
    """An attempt's own folder."""
    return kept_frames.root() / f"{attempt.job_id}-{attempt.number}"


def _loras(spec: RenderSpec) -> tuple[LoraFile, ...]:
    return tuple(
        LoraFile(lora.sha256[:16], Path(default_storage.path(lora.file)), lora.scale)
        for lora in spec.loras
    )
