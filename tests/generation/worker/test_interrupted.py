"""Renders that are interrupted, once or often, give the same picture."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from generation.models import Device, Job, ModelCard, Progress
from generation.pipelines.loop.step import Step
from generation.pipelines.resident import ResidentModels
from generation.queue import requests
from generation.scheduling.preemption import MAX_PREEMPTIONS
from generation.states import Outcome, Priority, Status
from generation.worker import sweeper
from generation.worker.resume import snapshots
from generation.worker.runner import Worker
from tests.generation.watched import WatchedModel

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., Job]

STEPS = 30


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    """A snapshot folder of this test only."""
    settings.GENGA_HOME = tmp_path


@pytest.fixture
def worker(device: Device, models: ResidentModels, watched: WatchedModel) -> Worker:
    """A worker with the model loaded."""
    return Worker(device, models)


@pytest.fixture
def whole(worker: Worker, submit: Submit) -> str:
    """The digest of the picture of an uninterrupted render."""
    job = submit(steps=STEPS)
    worker.drain()
    return file_of(job)


def file_of(job: Job) -> str:
    job.refresh_from_db()
    assert job.status == Status.COMPLETED, job.error_message
    return str(job.outputs.get().sha256)


def resumed(job: Job) -> list[tuple[str, int]]:
    """The outcome of each attempt, and the step from which it resumed."""
    return list(job.attempts.values_list("outcome", "resumed_from"))


def at_steps(watched: WatchedModel, job: Job, numbers: set[int], act: Callable[[], object]) -> None:
    """Call `act` once after each of these steps of the job."""
    left = set(numbers)

    def between(step: Step) -> None:
        if step.total == STEPS and step.number in left and not urgent_runs(job):
            left.remove(step.number)
            act()

    watched.between = between


def urgent_runs(job: Job) -> bool:
    return Job.objects.processing().exclude(pk=job.pk).exists()


def test_a_render_preempted_by_urgent_work_has_the_same_bytes(
    whole: str, worker: Worker, submit: Submit, watched: WatchedModel
) -> None:
    job, urgent = submit(steps=STEPS), []
    at_steps(watched, job, {15}, lambda: urgent.append(submit(Priority.URGENT, seed=1, steps=2)))

    worker.drain()

    assert file_of(job) == whole
    assert resumed(job) == [(Outcome.PREEMPTED, 0), (Outcome.COMPLETED, 15)]
    first, second = job.attempts.all()
    between = urgent[0].attempts.get()
    assert first.finished_at <= between.started_at < between.finished_at <= second.started_at
    assert snapshots.job_ids() == set()


def test_a_job_is_preempted_a_bounded_number_of_times_and_resumes_each_time(
    whole: str, worker: Worker, submit: Submit, watched: WatchedModel
) -> None:
    job = submit(steps=STEPS)
    numbers = {3 + 5 * turn for turn in range(MAX_PREEMPTIONS + 1)}
    at_steps(watched, job, numbers, lambda: submit(Priority.URGENT, seed=1, steps=2))

    worker.drain()

    assert file_of(job) == whole
    assert resumed(job) == [
        (Outcome.PREEMPTED, 0),
        (Outcome.PREEMPTED, 3),
        (Outcome.PREEMPTED, 8),
        (Outcome.COMPLETED, 13),
    ]
    last = Job.objects.filter(priority=Priority.URGENT).latest("submitted_at").attempts.get()
    assert last.started_at >= job.attempts.last().finished_at, "the fourth waits for its end"
    assert snapshots.job_ids() == set()


def test_a_device_that_is_paused_after_its_job_does_not_yield(
    worker: Worker, submit: Submit, watched: WatchedModel
) -> None:
    job, urgent = submit(steps=STEPS), []

    def pause_and_submit() -> None:
        Device.objects.update(pause="after_job")
        urgent.append(submit(Priority.URGENT, seed=1, steps=2))

    at_steps(watched, job, {3}, pause_and_submit)
    assert worker.drain() == 1

    assert resumed(job) == [(Outcome.COMPLETED, 0)]
    assert list(Job.objects.waiting()) == urgent


def test_a_preemption_during_decoding_repeats_no_step(
    whole: str, worker: Worker, submit: Submit, watched: WatchedModel
) -> None:
    """All steps are saved then, so the resumed attempt only decodes."""
    watched.watch()
    job = submit(steps=STEPS)

    def submit_once() -> None:
        if not Job.objects.filter(priority=Priority.URGENT).exists():
            submit(Priority.URGENT, seed=1, steps=2)

    watched.before_decode = submit_once

    worker.drain()

    assert file_of(job) == whole
    assert watched.steps == [*range(1, STEPS + 1), 1, 2]


@pytest.mark.parametrize("how", ["stopped", "paused at once"])
def test_another_device_resumes_the_job_of_the_first(
    how: str, whole: str, worker: Worker, submit: Submit, watched: WatchedModel
) -> None:
    job = submit(steps=STEPS)
    let_go: dict[str, Callable[[], object]] = {
        "stopped": worker.stop,
        "paused at once": lambda: Device.objects.update(pause="at_once"),
    }
    at_steps(watched, job, {20}, let_go[how])
    worker.drain()
    assert snapshots.job_ids() == {job.pk}
    assert Progress.objects.get(pk=job.pk).percent == 0.0
    watched.watch()

    other = Device.objects.create(
        name="cpu:1", kind="cpu", works=["preview"], heartbeat_at=timezone.now()
    )
    Worker(other, worker.models).drain()

    assert file_of(job) == whole
    assert watched.steps == list(range(21, STEPS + 1))
    attempts = list(job.attempts.values_list("device_name", "outcome", "resumed_from"))
    assert attempts == [("cpu:0", Outcome.HANDED_BACK, 0), ("cpu:1", Outcome.COMPLETED, 20)]
    assert snapshots.job_ids() == set()


def test_a_full_disk_loses_the_snapshot_but_not_the_render(
    whole: str,
    worker: Worker,
    submit: Submit,
    watched: WatchedModel,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.GENGA_SNAPSHOT_SECONDS = 0.0
    job = submit(steps=STEPS)
    at_steps(watched, job, {20}, worker.stop)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        worker.drain()

    job.refresh_from_db()
    assert (job.status, job.saved_steps) == (Status.QUEUED, 0)
    assert f"job {job.pk} could not be saved" in caplog.text
    Worker(worker.device, worker.models).drain()
    assert file_of(job) == whole
    assert resumed(job) == [(Outcome.HANDED_BACK, 0), (Outcome.COMPLETED, 0)]


def test_a_snapshot_of_other_weights_is_not_used(
    worker: Worker, submit: Submit, watched: WatchedModel, caplog: pytest.LogCaptureFixture
) -> None:
    job = submit(steps=STEPS)
    at_steps(watched, job, {20}, worker.stop)
    worker.drain()
    ModelCard.objects.update(weights_hash="f" * 64)
    watched.watch()

    Worker(worker.device, worker.models).drain()

    assert file_of(job)
    assert resumed(job)[-1] == (Outcome.COMPLETED, 0)
    assert "is left out" in caplog.text


def test_the_snapshot_of_a_job_that_is_cancelled_while_it_waits_is_swept(
    worker: Worker, submit: Submit, watched: WatchedModel
) -> None:
    job = submit(steps=STEPS)
    at_steps(watched, job, {5}, worker.stop)
    worker.drain()

    assert requests.cancel(job)
    assert sweeper.sweep_snapshots() == 1

    requests.retry(job)
    Worker(worker.device, worker.models).drain()
    assert file_of(job)
    assert resumed(job)[-1] == (Outcome.COMPLETED, 0), "a retry begins anew"


def test_snapshots_are_written_at_intervals_and_deleted_at_the_end(
    worker: Worker,
    submit: Submit,
    watched: WatchedModel,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = submit(steps=STEPS)
    written: list[int] = []
    write = snapshots.write

    def note(*told: Any) -> None:
        write(*told)
        written.append(told[2].number)

    monkeypatch.setattr(snapshots, "write", note)
    worker.drain()
    assert file_of(job)
    assert len(written) <= 1, "a quick render needs none"

    settings.GENGA_SNAPSHOT_SECONDS = 0.0
    written.clear()
    seen: list[int] = []
    watched.between = lambda _: seen.append(Job.objects.get(pk=again.pk).saved_steps)
    again = submit(steps=STEPS)
    worker.drain()

    assert written == list(range(1, STEPS + 1))
    assert seen == list(range(STEPS)), "noted before the next step begins"
    assert snapshots.job_ids() == set()
