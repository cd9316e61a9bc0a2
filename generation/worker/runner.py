"""One claimed job from start to end, and the one place where exceptions become states."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import torch
from django.core.files.storage import default_storage
from django.db.models import Q

from generation.errors import (
    CancelRequested,
    LeaseLost,
    OutOfMemory,
    Preempted,
    RenderError,
    WorkerStopping,
)
from generation.media.files import StoredOutput
from generation.models import Attempt, Device, Output
from generation.monitoring.host_load import HostLoad
from generation.pipelines.resident import ResidentModels
from generation.queue import lifecycle
from generation.scheduling.claim import claim, claim_mates
from generation.scheduling.preempted import is_preempted
from generation.worker import interruptions
from generation.worker.batching import make_together
from generation.worker.resume import kept_frames
from generation.worker.stages import Rendering

logger = logging.getLogger(__name__)


class Worker:
    """The render thread's side of a device. `stop` may be called from any thread."""

    def __init__(self, device: Device, models: ResidentModels) -> None:
        self.device = device
        self.models = models
        self.stopping = threading.Event()
        self.running: list[Attempt] = []
        self.host_load = HostLoad()
        self._began = self.host_load.begin()

    def stop(self) -> None:
        """Let go of the present job at its next step and take no other."""
        self.stopping.set()

    def drain(self) -> int:
        """Run everything that can be claimed, one job or batch after another; how many jobs."""
        count = 0
        while not self.stopping.is_set():
            self.device.refresh_from_db()
            self.device.host_load = self.host_load.now
            attempt = claim(self.device)
            if attempt is None:
                break
            batch = [attempt, *claim_mates(attempt, self.device)]
            count += len(batch)
            self.run(*batch)
        return count

    def run(self, *claimed: Attempt) -> None:
        """Render a claimed job, or several as one batch. Every way a job can end becomes a state.

        Raises DatabaseError when that state cannot be written; nobody renews the job's lease then,
        and it is rendered again once the lease has run out.
        """
        self.running = list(claimed)
        self._began = self.host_load.begin()
        renders = []
        for attempt in claimed:
            attempt.batch_size = len(claimed)
            attempt.precision = str(self.models.dtype).removeprefix("torch.")
            renders.append(Rendering(attempt, self.models, self._check))
        try:
            with ExitStack() as reporting:
                for render in renders:
                    reporting.enter_context(render.clock.reporter)
                if len(renders) == 1:
                    with self._ending(renders[0]):
                        self._complete(renders[0], renders[0].make())
                else:
                    make_together(renders, self._ending, self._complete)
        finally:
            self.running = []
            for render in renders:
                render.discard_work()
                _discard_unless_kept(render.shelf.written)
            Device.objects.filter(pk=self.device.pk).update(resident=self.models.slugs)

    @contextmanager
    def _ending(self, render: Rendering) -> Iterator[None]:
        """The one place where exceptions become states."""
        attempt, timings = render.attempt, render.clock.timings
        try:
            yield
            return
        except CancelRequested:
            self._end(render, lambda: lifecycle.end_cancelled(attempt, timings))
        except WorkerStopping:
            render.keep_work()
            lifecycle.hand_back(attempt, timings, self._saved(render))
        except Preempted:
            render.keep_work()
            lifecycle.preempt(attempt, timings, self._saved(render))
        except LeaseLost:
            logger.warning("job %s was taken over by another worker", attempt.job_id)
        except RenderError as problem:
            self._fail(render, problem)
        except torch.OutOfMemoryError as problem:
            self._fail(render, OutOfMemory(str(problem)))
        except Exception as problem:
            logger.exception("job %s failed unexpectedly", attempt.job_id)
            self._fail(render, RenderError(f"{type(problem).__name__}: {problem}"))
        render.clock.reporter.close()
        render.ended = True
        if attempt in self.running:
            self.running.remove(attempt)

    def _complete(self, render: Rendering, outputs: list[StoredOutput]) -> None:
        render.clock.reporter.close()
        self._end(render, lambda: lifecycle.complete(render.attempt, outputs, render.clock.timings))
        render.ended = True

    def _fail(self, render: Rendering, problem: RenderError) -> None:
        logger.warning("job %s failed: %s", render.attempt.job_id, problem.message)
        self._end(render, lambda: lifecycle.fail(render.attempt, problem, render.clock.timings))

    def _end(self, render: Rendering, move: Callable[[], bool]) -> None:
        """End a job for good, and what was kept of it too."""
        render.attempt.host_load = self.host_load.since(self._began)
        if move():
            render.keeper.discard()
            kept_frames.discard(render.attempt.job_id)

    def _saved(self, render: Rendering) -> int:
        """Steps that will not have to be made again; members of a batch begin anew."""
        return render.keeper.write() if render.attempt.batch_size == 1 else 0

    def _check(self, render: Rendering) -> None:
        """Raise what the world wants of an attempt: cancel, hand back, give way, or let go."""
        attempt = render.attempt
        now = interruptions.of_attempt(attempt.job_id, attempt.number)
        if not now.owned:
            raise LeaseLost
        if now.cancel:
            raise CancelRequested
        if self.stopping.is_set() or now.pause_at_once:
            raise WorkerStopping
        if now.urgent and render.keeper.may_stop_here and is_preempted(attempt, self.device):
            raise Preempted


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
