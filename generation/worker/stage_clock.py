"""Times the stages of one attempt, and derives the fraction done and the time left."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from PIL import Image

from generation.estimating.estimator import Estimator
from generation.estimating.in_flight import InFlight
from generation.estimating.stage_plan import StagePlan
from generation.models import Attempt
from generation.pipelines.base import Pipeline
from generation.pipelines.loop.step import Step
from generation.queue.timings import Timing, Timings
from generation.specs import RenderSpec
from generation.states import Stage
from generation.worker.best_effort import best_effort
from generation.worker.progress import ProgressState, Reporter

logger = logging.getLogger(__name__)

BEFORE = (Stage.LOAD, Stage.ENCODE)
"""The first stages, which do not move the progress bar."""


class StageClock:
    """Times the stages and notes the newest state for the reporter."""

    def __init__(self, attempt: Attempt, spec: RenderSpec, estimator: Estimator) -> None:
        self.timings: Timings = {}
        self.reporter = Reporter(attempt)
        self._attempt = attempt
        self._spec = spec
        self._plan = StagePlan.of(spec)
        self._flight = InFlight(
            _estimated(attempt, spec, estimator),
            self._plan.weights,
            spec.parts,
            time.perf_counter,
        )
        self._state = ProgressState(Stage.LOAD)
        self._stage_started = self._step_started = 0.0

    @contextmanager
    def stage(self, stage: Stage, parts: int = 0) -> Iterator[None]:
        """Time everything inside as this stage; `parts` is the number of frames it will count.

        When a stage is entered again, its seconds are added up.
        """
        self._state = ProgressState(
            stage,
            steps_complete=self._state.steps_complete,
            frames_complete=self._state.frames_complete,
            parts=parts,
        )
        self._stage_started = self._step_started = time.perf_counter()
        self._flight.begin(stage)
        timing = self.timings.setdefault(stage, Timing(0.0))
        self._report(0.0)
        try:
            yield
        finally:
            timing.seconds += time.perf_counter() - self._stage_started
            self._flight.end()

    def step(self, step: Step, pipeline: Pipeline) -> None:
        """Note that one more step, or window of a step, is denoised."""
        picture = None
        if step.finished:
            now = time.perf_counter()
            self.timings[Stage.DENOISE].steps.append(now - self._step_started)
            self._step_started = now
            self._state.steps_complete = step.number
            picture = self._preview(step, pipeline)
        windows = step.windows if step.windows > 1 else 0
        self._state.part, self._state.parts = (0 if step.finished else step.window), windows
        part = 0.0 if step.finished else step.window / step.windows
        self._report((step.number + part) / step.total, picture)

    def frame(self, number: int) -> None:
        """Note that `number` frames of the current stage are done."""
        self._state.part = number
        if self._state.stage in (Stage.DECODE, Stage.INTERPOLATE, Stage.UPSCALE):
            self._state.frames_complete = max(self._state.frames_complete, number)
        self._report(number / self._state.parts)

    def go_on(self, number: int, count: int) -> None:
        """Note that an earlier attempt made `number` of the stage's `count` frames."""
        self._flight.skip(number / count)
        self._state.part = self._state.frames_complete = number
        self._report(number / count)

    def _preview(self, step: Step, pipeline: Pipeline) -> Image.Image | None:
        """The picture predicted so far; None when no preview is due or drawing it failed.

        It is drawn here because only the render thread runs torch operators.
        """
        if step.clean is None or step.number == step.total or not self.reporter.preview_due():
            return None
        try:
            return pipeline.preview(step.clean())
        except Exception:
            logger.exception("a preview of job %s was not drawn", self._attempt.job_id)
            return None

    def _report(self, share: float, picture: Image.Image | None = None) -> None:
        self._flight.move(share)
        self._state.percent = self._plan.percent(self._state.stage, share)
        left = self._flight.left(self._later_stages())
        self._state.remaining_seconds = left
        self._note_quarter(left)
        self.reporter.note(replace(self._state, picture=picture))

    def _later_stages(self) -> list[Stage]:
        """The stages after the current one."""
        stages = [*BEFORE, *self._plan.weights]
        return stages[stages.index(self._state.stage) + 1 :] if self._state.stage in stages else []

    def _note_quarter(self, left: float | None) -> None:
        """After a quarter of the run, save the total then estimated, to compare with the actual."""
        attempt = self._attempt
        elapsed = attempt.elapsed
        if left is None or elapsed is None or attempt.estimated_at_quarter is not None:
            return
        if elapsed >= (elapsed + left) / 4:
            attempt.estimated_at_quarter = elapsed + left


def _estimated(attempt: Attempt, spec: RenderSpec, estimator: Estimator) -> dict[Stage, float]:
    """The estimated seconds of each stage, or {} without an estimate.

    The estimated total is saved with the attempt.
    """
    estimate = None
    with best_effort(f"estimate attempt {attempt.number} of job {attempt.job_id}"):
        estimate = estimator.estimate(spec, attempt.device)
    if estimate is None:
        return {}
    stages = dict(estimate.stages)
    if Stage.DENOISE in stages:
        # A batch takes about as long as its members one after another, at best a little less.
        stages[Stage.DENOISE] *= attempt.job.left * attempt.batch_size
    attempt.estimated_seconds = estimate.seconds
    return stages
