"""The execution of one attempt, and the only place that maps exceptions to states."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError

from generation.errors import (
    DatabaseFailed,
    Interruption,
    OutOfMemory,
    RenderError,
    public_text,
)
from generation.estimating.estimator import Estimator
from generation.media.files import StoredOutput
from generation.models import Attempt
from generation.monitoring.host_load import HostLoad
from generation.pipelines.loading import is_out_of_memory
from generation.pipelines.resident import ResidentModels
from generation.queue import lifecycle
from generation.specs import RenderSpec
from generation.worker.best_effort import best_effort, reconnect
from generation.worker.interruptions import CONSEQUENCES, Interruptions
from generation.worker.stage_clock import StageClock

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ExecutionContext:
    """The arguments of an execution: the attempt, and objects that all of a worker's share."""

    attempt: Attempt
    models: ResidentModels
    estimator: Estimator
    interruptions: Interruptions
    host_load: HostLoad


class Execution(ABC):
    """An attempt at a job of any kind: its stage clock, its interruptions and its end.

    Each kind of job has a subclass, its executor. The subclass adds the stages, which check
    `interruptions` regularly, saves work for the next attempt, and cleans up after itself.
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

        Everything a member does is inside its `ending`, so that a member that ends does not
        affect the others. Raises DatabaseError when the end of an attempt cannot be written.
        """

    @abstractmethod
    def save(self) -> int:
        """Save the work for the next attempt; return the number of steps it need not repeat."""

    @abstractmethod
    def discard_saved(self) -> None:
        """Delete the work that this attempt or an earlier one saved, because the job has ended."""

    @abstractmethod
    def clean_up(self) -> None:
        """Delete files that neither the job's outputs nor the next attempt need."""

    @contextmanager
    def ending(self) -> Iterator[None]:
        """End this attempt if an exception is raised inside; the exception is not passed on.

        `ended` is True afterwards if the attempt ended. Raises DatabaseError when the end cannot
        be written.
        """
        try:
            yield
        except Exception as problem:
            self._stop(problem)

    def complete(self, outputs: Iterable[StoredOutput]) -> None:
        """End the attempt with its files. Call this within `ending`."""
        timings = self.clock.timings
        self._end(lambda: lifecycle.complete(self.attempt, outputs, timings, self._learn))

    def _stop(self, problem: Exception) -> None:
        """Map an exception to the state of the job."""
        match problem:
            case Interruption():
                self._interrupt(problem)
            case RenderError():
                self._fail(problem)
            case DatabaseError():
                logger.exception("job %s is handed back", self.attempt.job_id)
                reconnect()
                self._interrupt(DatabaseFailed())
            case _ if is_out_of_memory(problem):
                self._fail(OutOfMemory(str(problem) or "The machine has too little memory."))
            case _:
                logger.exception("job %s failed unexpectedly", self.attempt.job_id)
                self._fail(RenderError(public_text(problem)))

    def _interrupt(self, reason: Interruption) -> None:
        follows = CONSEQUENCES[type(reason)]
        saved_steps = self.save() if follows.keeps_work else 0
        self._end(
            lambda: follows.transition(self.attempt, self.clock.timings, saved_steps),
            keeps_work=follows.keeps_work,
        )

    def _fail(self, problem: RenderError) -> None:
        # The whole text of the library's error, of which people see the first line.
        cause = problem.__cause__
        logger.warning("job %s failed: %s", self.attempt.job_id, problem.message, exc_info=cause)
        self._end(lambda: lifecycle.fail(self.attempt, problem, self.clock.timings))

    def _end(self, move: Callable[[], bool], *, keeps_work: bool = False) -> None:
        """Call `move`, which changes the job's state and returns whether it did."""
        # A late report would show progress for a run that is over.
        self.clock.reporter.close()
        self.attempt.host_load = self._host_load.since(self._began)
        moved = move()
        self.ended = True
        if moved and not keeps_work:
            with best_effort("delete the saved work of an ended job"):
                self.discard_saved()
