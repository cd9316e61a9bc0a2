"""The render thread of a device: claims jobs and executes one job or one batch at a time."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from pkgutil import resolve_name

from generation.errors import StaleProcess
from generation.estimating.estimator import Estimator
from generation.models import Attempt, Device
from generation.models.database_file import DatabaseFile
from generation.monitoring.host_load import HostLoad
from generation.pipelines.resident import ResidentModels
from generation.scheduling.claim import claim, claim_mates
from generation.worker.best_effort import best_effort
from generation.worker.execution import Execution, ExecutionContext
from generation.worker.interruptions import Interruptions


class Worker:
    """Runs the jobs of a device in the render thread. `stop` may be called from any thread."""

    def __init__(
        self, device: Device, models: ResidentModels, database: DatabaseFile | None = None
    ) -> None:
        self.device = device
        self.models = models
        self.database = database or DatabaseFile()
        self.stopping = threading.Event()
        self.stale: StaleProcess | None = None
        self.running: list[Attempt] = []
        self.host_load = HostLoad()
        self.estimator = Estimator()

    def stop(self, stale: StaleProcess | None = None) -> None:
        """Interrupt the running job at its next check and claim no other.

        `stale` is the reason when the process has to end by itself.
        """
        self.stale = self.stale or stale
        self.stopping.set()

    def drain(self) -> int:
        """Run jobs and batches until none can be claimed; return the number of jobs."""
        count = 0
        while not self.stopping.is_set():
            self.device.refresh_from_db()
            self.device.host_load = self.host_load.now
            attempt = claim(self.device, self.estimator)
            if attempt is None:
                break
            batch = [attempt, *claim_mates(attempt, self.device)]
            count += len(batch)
            self.run(*batch)
        return count

    def run(self, *claimed: Attempt) -> None:
        """Execute a claimed job, or several as one batch, and write the resulting state.

        Raises DatabaseError when the state cannot be written. The job's lease is then not renewed,
        and the job is executed again after the lease has expired.
        """
        executions = [self._execution(attempt, len(claimed)) for attempt in claimed]
        self.running = list(claimed)
        try:
            with ExitStack() as reporting:
                for execution in executions:
                    reporting.enter_context(execution.clock.reporter)
                type(executions[0]).run(executions)
        finally:
            self.running = []
            for execution in executions:
                with best_effort(f"clean up after job {execution.attempt.job_id}"):
                    execution.clean_up()
            with best_effort("tell which models are loaded"):
                Device.objects.filter(pk=self.device.pk).update(resident=self.models.slugs)

    def _execution(self, attempt: Attempt, batch_size: int) -> Execution:
        attempt.batch_size = batch_size
        attempt.precision = str(self.models.dtype).removeprefix("torch.")
        interruptions = Interruptions(attempt, self.device, self.stopping.is_set)
        kind = attempt.job.kind_of
        executor: type[Execution] = resolve_name(kind.executor)
        return executor(
            ExecutionContext(attempt, self.models, self.estimator, interruptions, self.host_load)
        )
