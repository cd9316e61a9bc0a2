"""One attempt in the hands of a worker, and the one place where exceptions become states."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from generation.errors import Interruption, OutOfMemory, RenderError
from generation.estimating.estimator import Estimator
from generation.media.files import StoredOutput
from generation.models import Attempt
from generation.monitoring.host_load import HostLoad
from generation.pipelines.resident import ResidentModels
from generation.queue import lifecycle
from generation.specs import RenderSpec
from generation.worker.interruptions import CONSEQUENCES, Interruptions
from generation.worker.stage_clock import StageClock

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ExecutionContext:
    """What an execution is given: the attempt, and what its worker has for all of them."""

    attempt: Attempt
    models: ResidentModels
    estimator: Estimator
    interruptions: Interruptions
    host_load: HostLoad


class Execution(ABC):
    """An attempt at a job of any kind: its clock, what may interrupt it, and its end.

    Each kind of job has a subclass, its executor. That adds the stages, which ask `interruptions`
    as they go on, says what is saved for the next attempt, and cleans up after itself.
    """

    def __init__(self, context: ExecutionContext) -> None:
        self.attempt = context.attempt
        self.spec: RenderSpec = context.attempt.job.spec
        self.models = context.models
        self.interruptions = context.interruptions
        self.clock = StageClock(context.attempt, self.spec, context.estimator)
        self._learn = context.estimator.learn
        self.ended = False
        self._host_load = context.host_load
        self._began = context.host_load.begin()

    @classmethod
    @abstractmethod
    def run(cls, members: Sequence[Any]) -> None:
        """Execute one attempt, or several of this class that were claimed as a batch.

        Whatever a member does stands in its `ending`, so that one that ends leaves the others
        alone. Raises DatabaseError when an end cannot be written.
        """

    @abstractmethod
    def save(self) -> int:
        """Save the work for the attempt that goes on. Returns the steps it need not make again."""

    @abstractmethod
    def discard_saved(self) -> None:
        """Delete what this attempt or an earlier one saved: the job has ended."""

    @abstractmethod
    def clean_up(self) -> None:
        """Delete whatever neither the job's outputs nor the next attempt need."""

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Whatever is raised inside ends this attempt and goes no further.

        `ended` says afterwards whether it has. Raises DatabaseError when the end cannot be written.
        """
        try:
            yield
        except Exception as problem:
            self._stop(problem)

    def complete(self, outputs: Iterable[StoredOutput]) -> None:
        """End the attempt with its files; called within `ending`."""
        timings = self.clock.timings
        self._end(lambda: lifecycle.complete(self.attempt, outputs, timings, self._learn))

    def _stop(self, problem: Exception) -> None:
        """The one map from exceptions to states."""
        match problem:
            case Interruption():
                self._interrupt(problem)
            case RenderError():
                self._fail(problem)
            case torch.OutOfMemoryError():
                self._fail(OutOfMemory(str(problem)))
            case _:
                logger.exception("job %s failed unexpectedly", self.attempt.job_id)
                self._fail(RenderError(f"{type(problem).__name__}: {problem}"))

    def _interrupt(self, reason: Interruption) -> None:
        follows = CONSEQUENCES[type(reason)]
        saved_steps = self.save() if follows.keeps_work else 0
        self._end(
            lambda: follows.transition(self.attempt, self.clock.timings, saved_steps),
            keeps_work=follows.keeps_work,
        )

    def _fail(self, problem: RenderError) -> None:
        logger.warning("job %s failed: %s", self.attempt.job_id, problem.message)
        self._end(lambda: lifecycle.fail(self.attempt, problem, self.clock.timings))

    def _end(self, move: Callable[[], bool], *, keeps_work: bool = False) -> None:
        """Let `move` change the job's state; it returns whether it did."""
        # A report that comes late would show the progress of a run that is over.
        self.clock.reporter.close()
        self.attempt.host_load = self._host_load.since(self._began)
        if move() and not keeps_work:
            self.discard_saved()
        self.ended = True
