"""One claimed job from start to end, and the one place where exceptions become states."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import torch
from django.core.files.storage import default_storage
from django.utils import timezone

from generation import jobs
from generation.attempts import Timing, Timings
from generation.errors import (
    CancelRequested,
    LeaseLost,
    OutOfMemory,
    RenderError,
    WorkerStopping,
)
from generation.estimating import estimator
from generation.media.files import StoredOutput, store_picture
from generation.models import Attempt, Device, Job, ModelCard, Output
from generation.pipelines.base import LoraFile, ModelFiles, Pipeline, Step
from generation.pipelines.resident import ResidentModels
from generation.progress import Reporter, Snapshot
from generation.scheduling.claim import claim
from generation.specs import RenderSpec
from generation.states import Stage, Status
from generation.version import VERSION

logger = logging.getLogger(__name__)

STEADY_STEPS = 3
"""Steps to watch before their pace says something about the rest."""


class Worker:
    """The render thread's side of a device. `stop` may be called from any thread."""

    def __init__(self, device: Device, models: ResidentModels) -> None:
        self.device = device
        self.models = models
        self.stopping = threading.Event()
        self.running: Attempt | None = None

    def stop(self) -> None:
        """Let go of the present job at its next step and take no other."""
        self.stopping.set()

    def drain(self) -> int:
        """Run everything that can be claimed, one job after another; how many there were."""
        count = 0
        while not self.stopping.is_set():
            self.device.refresh_from_db()
            attempt = claim(self.device)
            if attempt is None:
                break
            count += 1
            self.run(attempt)
        return count

    def run(self, attempt: Attempt) -> None:
        """Render a claimed job. Every way this can end becomes a state here.

        Raises DatabaseError when that state cannot be written; nobody renews the job's lease then,
        and it is rendered again once the lease has run out.
        """
        self.running = attempt
        render = Rendering(attempt, self.models, self.stopping)
        timings = render.timings
        output = None
        try:
            with render.reporter:
                output = render.make()
            jobs.complete(attempt, [output], timings)
        except CancelRequested:
            jobs.end_cancelled(attempt, timings)
        except WorkerStopping:
            jobs.release(attempt, timings)
        except LeaseLost:
            logger.warning("job %s was taken over by another worker", attempt.job_id)
        except RenderError as problem:
            logger.warning("job %s failed: %s", attempt.job_id, problem.message)
            jobs.fail(attempt, problem, timings)
        except torch.OutOfMemoryError as problem:
            jobs.fail(attempt, OutOfMemory(str(problem)), timings)
        except Exception as problem:
            logger.exception("job %s failed unexpectedly", attempt.job_id)
            jobs.fail(attempt, RenderError(f"{type(problem).__name__}: {problem}"), timings)
        finally:
            self.running = None
            if output is not None:
                _discard_unless_kept(output)
            Device.objects.filter(pk=self.device.pk).update(resident=self.models.slugs)


class Rendering:
    """The stages of one attempt, each timed and told."""

    def __init__(self, attempt: Attempt, models: ResidentModels, stopping: threading.Event) -> None:
        self.attempt = attempt
        self.spec: RenderSpec = attempt.job.spec
        self.models = models
        self.stopping = stopping
        self.timings: Timings = {}
        self.reporter = Reporter(attempt)
        self._step_started = 0.0
        self._tail = estimator.tail_seconds(self.spec)

    def make(self) -> StoredOutput:
        """Load, encode, denoise, decode and write. Raises RenderError or an Interruption."""
        pipeline, files = self._load()
        self.check_interruptions()
        with self._stage(Stage.ENCODE):
            conditioning = pipeline.encode(self.spec, _loras(self.spec))
        self.check_interruptions()
        with self._stage(Stage.DENOISE):
            self._step_started = time.perf_counter()
            latents = pipeline.denoise(
                self.spec, conditioning, lambda step: self._on_step(step, pipeline)
            )
        with self._stage(Stage.DECODE):
            picture = pipeline.decode(latents)[0]
        self.check_interruptions()
        with self._stage(Stage.WRITE):
            return store_picture(
                picture,
                self._provenance(files),
                job_id=self.attempt.job_id,
                attempt=self.attempt.number,
                day=timezone.now().date(),
            )

    def check_interruptions(self) -> None:
        """Raise what the world wants of this attempt: cancel, hand back, or let go."""
        row = (
            Job.objects.filter(pk=self.attempt.job_id)
            .values_list("status", "attempt_number", "cancel_requested_at")
            .first()
        )
        if row is None or row[:2] != (Status.PROCESSING, self.attempt.number):
            raise LeaseLost
        if row[2] is not None:
            raise CancelRequested
        if self.stopping.is_set():
            raise WorkerStopping

    def _load(self) -> tuple[Pipeline, ModelFiles]:
        card = ModelCard.objects.get(pk=self.attempt.job.model_id)
        files = ModelFiles(card.slug, card.family, card.path, card.weights_hash)
        self.attempt.cold = not self.models.holds(files)
        with self._stage(Stage.LOAD):
            return self.models.get(files), files

    @contextmanager
    def _stage(self, stage: Stage) -> Iterator[None]:
        done = self.timings.get(Stage.DENOISE)
        self.reporter.note(
            Snapshot(
                stage,
                steps_complete=len(done.steps) if done else 0,
                percent=self._percent(len(done.steps) if done else 0),
                remaining_seconds=self._remaining_in(stage),
            )
        )
        timing = self.timings[stage] = Timing(0.0)
        started = time.perf_counter()
        try:
            yield
        finally:
            timing.seconds = time.perf_counter() - started

    def _on_step(self, step: Step, pipeline: Pipeline) -> None:
        now = time.perf_counter()
        steps = self.timings[Stage.DENOISE].steps
        steps.append(now - self._step_started)
        self._step_started = now
        picture = None
        if step.number < step.total and self.reporter.preview_due():
            clean = step.clean()
            picture = partial(pipeline.preview, clean)
        self.reporter.note(
            Snapshot(
                Stage.DENOISE,
                steps_complete=step.number,
                percent=self._percent(step.number),
                remaining_seconds=self._remaining_after(step.number),
                picture=picture,
            )
        )
        self.check_interruptions()

    def _percent(self, steps_complete: int) -> float:
        """Steps are the measure; decoding and writing count as one more, so 100 means done."""
        return 100.0 * steps_complete / (self.spec.steps + 1)

    def _remaining_after(self, steps_complete: int) -> float | None:
        """This run's own pace for the steps to come, and what like jobs spent afterwards."""
        steps = self.timings[Stage.DENOISE].steps
        if len(steps) < STEADY_STEPS:
            return self._remaining_in(Stage.DENOISE)
        pace = sum(steps[1:]) / (len(steps) - 1)
        return pace * (self.spec.steps - steps_complete) + (self._tail or 0.0)

    def _remaining_in(self, stage: Stage) -> float | None:
        """From what was foretold at submit, until this run's own pace is known."""
        if stage in (Stage.DECODE, Stage.WRITE):
            return self._tail
        if self.attempt.job.predicted_seconds is None:
            return None
        elapsed = (timezone.now() - self.attempt.started_at).total_seconds()
        left = self.attempt.job.predicted_seconds - elapsed
        return left if left > 0 else None

    def _provenance(self, files: ModelFiles) -> dict[str, object]:
        """What the file itself says of its making: the spec and the attempt, and never a date."""
        return {
            "genga": VERSION,
            "spec": self.spec.as_json(),
            "spec_hash": self.spec.content_hash(),
            "seed": self.spec.seed,
            "model_hash": files.weights_hash,
            "attempt": self.attempt.number,
        }


def _loras(spec: RenderSpec) -> tuple[LoraFile, ...]:
    return tuple(
        LoraFile(lora.sha256[:16], Path(default_storage.path(lora.file)), lora.scale)
        for lora in spec.loras
    )


def _discard_unless_kept(output: StoredOutput) -> None:
    """Files that no row names belong to nobody: the job ended otherwise, or its end was refused."""
    if Output.objects.filter(file=output.file).exists():
        return
    for name in (output.file, output.thumbnail):
        default_storage.delete(name)
