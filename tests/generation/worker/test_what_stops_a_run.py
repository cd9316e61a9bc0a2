"""Each interruption of a run: its exception, the job's next state, and the kept work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
from django.utils import timezone

from generation.errors import (
    CancelRequested,
    Interruption,
    LeaseLost,
    Preempted,
    RenderError,
    WorkerStopping,
)
from generation.models import Device, Job
from generation.pipelines.resident import ResidentModels
from generation.queue import lifecycle, recovery, requests
from generation.scheduling import preemption
from generation.states import Outcome, Priority, Status
from generation.worker import interruptions
from generation.worker.interruptions import CONSEQUENCES, Interruptions
from generation.worker.resume import kept_frames, snapshots
from generation.worker.runner import Worker
from tests.generation.watched import WatchedModel

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., Job]
STEPS = 4


class Run:
    """A job whose steps are all saved; an event happens before its frame is decoded."""

    def __init__(self, worker: Worker, submit: Submit, watched: WatchedModel) -> None:
        self.worker, self.submit, self.watched = worker, submit, watched
        self.raised: list[type[Interruption]] = []

    def until(self, something: Callable[[Run], object]) -> Run:
        happened: list[object] = []

        def before_decode() -> None:
            if not happened:
                # No heartbeat runs here.
                Device.objects.filter(name="cpu:0").update(heartbeat_at=timezone.now())
                happened.append(None)
                something(self)

        self.watched.before_decode = before_decode
        self.job = self.submit(Priority.LOW, steps=STEPS)
        attempt = lifecycle.start(self.job, self.worker.device)
        assert attempt is not None
        self.worker.run(attempt)
        self.job.refresh_from_db()
        return self

    @property
    def attempt(self) -> tuple[str, str]:
        first = self.job.attempts.get(number=1)
        return first.outcome, first.error_code

    @property
    def kept(self) -> set[str]:
        places = {"snapshot": snapshots.job_ids(), "frames": kept_frames.job_ids()}
        return {name for name, jobs in places.items() if self.job.pk in jobs}


@pytest.fixture
def run(
    device: Device,
    models: ResidentModels,
    submit: Submit,
    watched: WatchedModel,
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Run:
    settings.GENGA_HOME = tmp_path
    settings.GENGA_SNAPSHOT_SECONDS = 0.0
    monkeypatch.setattr(interruptions, "BETWEEN_FRAMES_SECONDS", 0.0)
    # Only the last frame is missing, so the run is nearly done.
    monkeypatch.setattr(preemption, "NEARLY_DONE_SECONDS", 0.0)
    run = Run(Worker(device, models), submit, watched)
    check = Interruptions.check

    def noted(asked: Interruptions) -> None:
        try:
            check(asked)
        except Interruption as reason:
            run.raised.append(type(reason))
            raise

    monkeypatch.setattr(Interruptions, "check", noted)
    return run


def cancel_it(run: Run) -> None:
    assert requests.cancel(Job.objects.get(pk=run.job.pk))


def stop_the_worker(run: Run) -> None:
    run.worker.stop()


def pause_the_device_at_once(_: Run) -> None:
    Device.objects.update(pause="at_once")


def submit_urgent_work(run: Run) -> None:
    run.submit(Priority.URGENT)


def let_another_worker_take_it(run: Run) -> None:
    Job.objects.filter(pk=run.job.pk).update(lease_expires_at=timezone.now() - timedelta(1))
    assert recovery.sweep_leases() == 1
    other = Device.objects.create(name="cpu:1", works=["preview", "image"])
    assert lifecycle.start(Job.objects.get(pk=run.job.pk), other)


BOTH = {"snapshot", "frames"}


@pytest.mark.parametrize(
    ("something", "raises", "attempt_is", "job_is", "kept"),
    [
        (cancel_it, CancelRequested, Outcome.CANCELLED, Status.CANCELLED, set()),
        (stop_the_worker, WorkerStopping, Outcome.HANDED_BACK, Status.QUEUED, BOTH),
        (pause_the_device_at_once, WorkerStopping, Outcome.HANDED_BACK, Status.QUEUED, BOTH),
        (submit_urgent_work, Preempted, Outcome.PREEMPTED, Status.QUEUED, BOTH),
        # The saved work belongs to the next attempt already.
        (let_another_worker_take_it, LeaseLost, Outcome.LOST, Status.PROCESSING, {"snapshot"}),
    ],
    ids=["cancelled", "worker stopped", "device paused", "urgent work", "lease lost"],
)
def test_an_interruption_has_its_consequence(
    run: Run,
    something: Callable[[Run], object],
    raises: type[Interruption],
    attempt_is: Outcome,
    job_is: Status,
    kept: set[str],
) -> None:
    run.until(something)

    assert run.raised == [raises]
    assert (*run.attempt, run.job.status) == (attempt_is, "", job_is)
    assert run.kept == kept
    assert not kept or run.job.saved_steps == STEPS
    assert not run.job.outputs.exists()


def submit_high_work(run: Run) -> None:
    run.submit(Priority.HIGH)


def submit_held_urgent_work(run: Run) -> None:
    assert requests.hold(run.submit(Priority.URGENT))


def submit_urgent_work_for_a_free_device(run: Run) -> None:
    works = run.worker.device.works
    Device.objects.create(name="cpu:1", kind="cpu", works=works, heartbeat_at=timezone.now())
    run.submit(Priority.URGENT)


def pause_the_device_after_its_job(_: Run) -> None:
    Device.objects.update(pause="after_job")


@pytest.mark.parametrize(
    "something",
    [
        submit_high_work,
        submit_held_urgent_work,
        submit_urgent_work_for_a_free_device,
        pause_the_device_after_its_job,
    ],
    ids=lambda value: value.__name__,
)
def test_other_events_do_not_interrupt_a_run(run: Run, something: Callable[[Run], object]) -> None:
    run.until(something)

    assert (run.raised, run.kept) == ([], set())
    assert (*run.attempt, run.job.status) == (Outcome.COMPLETED, "", Status.COMPLETED)


@pytest.mark.parametrize(
    ("problem", "code"),
    [
        (RenderError("The decoder gave up."), "render_failed"),
        (torch.OutOfMemoryError("CUDA out of memory."), "out_of_memory"),
        (ZeroDivisionError("division by zero"), "render_failed"),
    ],
    ids=["expected", "out of memory", "unexpected"],
)
def test_an_error_ends_the_run_and_nothing_is_kept(run: Run, problem: Exception, code: str) -> None:
    def go_wrong(_: Run) -> None:
        raise problem

    run.until(go_wrong)

    assert (*run.attempt, run.job.status) == (Outcome.FAILED, code, Status.FAILED)
    assert (run.raised, run.kept) == ([], set())


def test_every_interruption_class_has_a_consequence() -> None:
    assert set(CONSEQUENCES) == set(Interruption.__subclasses__())


def test_the_first_of_several_reasons_counts(submit: Submit, device: Device, run: Run) -> None:
    attempt = lifecycle.start(submit(Priority.LOW), device)
    assert attempt is not None
    stopping = [True]
    asked = Interruptions(attempt, device, lambda: stopping[0])
    submit(Priority.URGENT)
    requests.cancel(attempt.job)

    with pytest.raises(CancelRequested):
        asked.check()
    Job.objects.filter(pk=attempt.job_id).update(cancel_requested_at=None)
    with pytest.raises(WorkerStopping):
        asked.check()
    stopping[0] = False
    with pytest.raises(Preempted):
        asked.check()
    asked.may_yield = False
    asked.check()
    Job.objects.filter(pk=attempt.job_id).update(attempt_number=2)
    with pytest.raises(LeaseLost):
        asked.check()


@pytest.mark.parametrize(
    ("ask", "batch_size", "seconds"),
    [
        (Interruptions.check_within_step, 1, 0.02),
        (Interruptions.check_within_step, 4, 0.08),
        (Interruptions.check_between_frames, 1, 0.25),
    ],
    ids=["within a step", "within a step of a batch", "between frames"],
)
def test_checks_within_a_step_have_a_least_interval(
    ask: Callable[[Interruptions], None],
    batch_size: int,
    seconds: float,
    submit: Submit,
    device: Device,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr("generation.worker.interruptions.time.monotonic", lambda: now[0])
    attempt = lifecycle.start(submit(), device)
    assert attempt is not None
    attempt.batch_size = batch_size
    asked = Interruptions(attempt, device, lambda: True)

    now[0] += seconds * 0.9
    ask(asked)
    now[0] += seconds * 0.2
    with pytest.raises(WorkerStopping):
        ask(asked)
    ask(asked)
