"""One claimed job from start to end, and the one place where exceptions become states."""

from __future__ import annotations

import logging
import threading

import torch
from django.core.files.storage import default_storage
from django.db.models import Q

from generation import jobs
from generation.errors import (
    CancelRequested,
    LeaseLost,
    OutOfMemory,
    RenderError,
    WorkerStopping,
)
from generation.models import Attempt, Device, Job, Output
from generation.pipelines.resident import ResidentModels
from generation.rendering import Rendering
from generation.scheduling.claim import claim
from generation.states import Status

logger = logging.getLogger(__name__)


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
        render = Rendering(attempt, self.models, lambda: self._check(attempt))
        timings = render.account.timings
        try:
            with render.account.reporter:
                outputs = render.make()
            jobs.complete(attempt, outputs, timings)
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
            _discard_unless_kept(render.shelf.written)
            Device.objects.filter(pk=self.device.pk).update(resident=self.models.slugs)

    def _check(self, attempt: Attempt) -> None:
        """Raise what the world wants of an attempt: cancel, hand back, or let go."""
        row = (
            Job.objects.filter(pk=attempt.job_id)
            .values_list("status", "attempt_number", "cancel_requested_at")
            .first()
        )
        if row is None or row[:2] != (Status.PROCESSING, attempt.number):
            raise LeaseLost
        if row[2] is not None:
            raise CancelRequested
        if self.stopping.is_set():
            raise WorkerStopping


def _discard_unless_kept(names: list[str]) -> None:
    """Files that no row names belong to nobody: the job ended otherwise, or its end was refused."""
    named = Q(file__in=names) | Q(thumbnail__in=names) | Q(strip__in=names)
    kept = {
        name
        for row in Output.objects.filter(named).values_list("file", "thumbnail", "strip")
        for name in row
    }
    for name in set(names) - kept:
        default_storage.delete(name)
