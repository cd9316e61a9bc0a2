"""The account that one attempt gives of itself: seconds of its stages, share done, time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

from django.utils import timezone

from generation.attempts import Timing, Timings
from generation.estimating import estimator
from generation.models import Attempt
from generation.pipelines.base import Pipeline, Step
from generation.progress import Reporter, Snapshot
from generation.shares import StageShares
from generation.specs import RenderSpec
from generation.states import Stage

STEADY = 3
"""Steps or frames to watch before their pace says something about the rest."""

CHECK_SECONDS = 0.25
"""Frames pass quickly: the world is asked at most this often what it wants of the attempt."""


class Account:
    """Times the stages and notes the newest state for the reporter.

    `check` raises an Interruption when the attempt has to stop; it is asked after every step,
    window and frame, so whatever calls `step` or `frame` may be left by it.
    """

    def __init__(self, attempt: Attempt, spec: RenderSpec, check: Callable[[], None]) -> None:
        self.timings: Timings = {}
        self.reporter = Reporter(attempt)
        self._attempt = attempt
        self._spec = spec
        self._check = check
        self._shares = StageShares.of(spec)
        self._usual = estimator.stage_seconds(spec)
        self._now = Snapshot(Stage.LOAD)
        self._stage_started = self._step_started = self._checked = 0.0
        self._paces: list[float] = []
        self._seconds_per_weight: float | None = None

    @contextmanager
    def stage(self, stage: Stage, parts: int = 0) -> Iterator[None]:
        """Everything inside is this stage; `parts` is the number of frames it will count."""
        self._now = Snapshot(
            stage,
            steps_complete=self._now.steps_complete,
            frames_complete=self._now.frames_complete,
            parts=parts,
        )
        self._stage_started = self._step_started = time.perf_counter()
        self._paces = []
        timing = self.timings[stage] = Timing(0.0)
        self._tell(0.0)
        try:
            yield
        finally:
            timing.seconds = time.perf_counter() - self._stage_started

    def step(self, step: Step, pipeline: Pipeline) -> None:
        """One more step, or window of a step, is denoised."""
        picture = None
        if step.finished:
            now = time.perf_counter()
            self.timings[Stage.DENOISE].steps.append(now - self._step_started)
            self._paces.append(now - self._step_started)
            self._step_started = now
            self._now.steps_complete = step.number
            if step.clean is not None and step.number < step.total and self.reporter.preview_due():
                picture = partial(pipeline.preview, step.clean())
        windows = step.windows if step.windows > 1 else 0
        self._now.part, self._now.parts = (0 if step.finished else step.window), windows
        part = 0.0 if step.finished else step.window / step.windows
        self._tell((step.number + part) / step.total, picture)
        self._check()

    def frame(self, number: int) -> None:
        """`number` frames of the present stage are done."""
        now = time.perf_counter()
        self._paces.append(now - self._step_started)
        self._step_started = now
        self._now.part = number
        if self._now.stage in (Stage.DECODE, Stage.INTERPOLATE, Stage.UPSCALE):
            self._now.frames_complete = max(self._now.frames_complete, number)
        self._tell(number / self._now.parts)
        if now - self._checked >= CHECK_SECONDS:
            self._checked = now
            self._check()

    def _tell(self, share: float, picture: Callable[[], object] | None = None) -> None:
        self._now.percent = self._shares.percent(self._now.stage, share)
        self._now.remaining_seconds = self._remaining(share)
        self.reporter.note(replace(self._now, picture=picture))

    def _remaining(self, share: float) -> float | None:
        """The rest of this stage at its own pace, and the later stages as like jobs spent them."""
        here = self._left_here(share)
        if here is None:
            return self._foretold()
        later = [self._seconds_of(stage) for stage in self._shares.after(self._now.stage)]
        known = [seconds for seconds in later if seconds is not None]
        return here + sum(known) if len(known) == len(later) else None

    def _left_here(self, share: float) -> float | None:
        stage, pace = self._now.stage, self._pace()
        if pace is not None:
            if stage in self._shares.weights:
                self._seconds_per_weight = pace * self._units / self._shares.weights[stage]
            return pace * self._units * (1.0 - share)
        if self._denoising or stage not in self._shares.weights:
            return None
        whole = self._seconds_of(stage)
        return None if whole is None else whole * (1.0 - share)

    def _pace(self) -> float | None:
        """Seconds of one step or frame of this stage; the first one also warms up."""
        if len(self._paces) < STEADY:
            return None
        return sum(self._paces[1:]) / (len(self._paces) - 1)

    def _seconds_of(self, stage: Stage) -> float | None:
        """What a stage will take: as lately, else by its weight beside those of this run."""
        usual = self._usual.get(stage)
        if usual is not None or self._seconds_per_weight is None:
            return usual
        return self._seconds_per_weight * self._shares.weights[stage]

    def _foretold(self) -> float | None:
        """From what was foretold at submit, until this run's own pace is known."""
        if self._attempt.job.predicted_seconds is None:
            return None
        elapsed = (timezone.now() - self._attempt.started_at).total_seconds()
        left = self._attempt.job.predicted_seconds * self._attempt.job.left - elapsed
        return left if left > 0 else None

    @property
    def _units(self) -> int:
        """Steps or frames of the present stage."""
        return self._spec.denoising_steps if self._denoising else self._now.parts

    @property
    def _denoising(self) -> bool:
        return self._now.stage == Stage.DENOISE
