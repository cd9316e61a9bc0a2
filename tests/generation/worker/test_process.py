"""A device's worker: registration, heartbeat, and real processes that are killed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.utils import timezone

from generation.errors import SettingError
from generation.hardware import Hardware, detect
from generation.models import Device, Job, Progress
from generation.pipelines.resident import ResidentModels
from generation.queue import lifecycle, requests
from generation.states import Outcome, Stage, Status, Work
from generation.worker import process
from generation.worker.resume import snapshots
from generation.worker.runner import Worker
from tests.conftest import register_at
from tests.generation.conftest import Claim
from tests.generation.processes import WorkerProcess, wait_until

Submit = Callable[..., Job]

LONG = 60
"""Enough steps for a job of at least two seconds, so that a test can interrupt it."""


@pytest.fixture
def hardware() -> Hardware:
    return detect("cpu:0")


@pytest.fixture
def other_process() -> Iterator[subprocess.Popen[bytes]]:
    """Another live process of this machine."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.wait()


@pytest.mark.django_db
class TestRegister:
    """Writing the device's row, unless another worker serves the device."""

    def test_a_new_device_takes_every_kind_of_work(self, hardware: Hardware) -> None:
        process.register(hardware)

        device = Device.objects.get()
        assert (device.name, device.kind, device.works) == (
            "cpu:0",
            "cpu",
            list(Work),
        )
        assert (device.label, device.memory_bytes) == (hardware.label, hardware.memory_bytes)
        assert device.free_bytes is not None
        assert 0 < device.free_bytes <= device.memory_bytes
        assert device.pid == os.getpid()
        assert device.is_online

    def test_a_known_device_keeps_the_settings_of_a_lead(self, hardware: Hardware) -> None:
        process.register(hardware)
        Device.objects.update(works=["video"], pause="after_job", resident=["toon"])

        device = process.register(hardware)

        assert (device.works, device.is_paused) == (["video"], True)
        assert device.resident == [], "a new process has loaded nothing"

    def test_it_takes_back_the_jobs_of_its_predecessor(
        self, hardware: Hardware, submit: Submit
    ) -> None:
        job = submit()
        assert lifecycle.start(job, process.register(hardware))

        process.register(hardware)

        job.refresh_from_db()
        assert job.status == Status.QUEUED

    def test_a_living_worker_of_this_machine_is_not_replaced(
        self, hardware: Hardware, other_process: subprocess.Popen[bytes]
    ) -> None:
        process.register(hardware)
        Device.objects.update(pid=other_process.pid)

        with pytest.raises(SettingError, match=f"a worker .process {other_process.pid} on"):
            process.register(hardware)

    def test_a_worker_whose_process_is_gone_is_replaced_at_once(
        self, hardware: Hardware, other_process: subprocess.Popen[bytes]
    ) -> None:
        process.register(hardware)
        other_process.kill()
        other_process.wait()
        Device.objects.update(pid=other_process.pid)

        assert process.register(hardware).pid == os.getpid()

    def test_a_worker_of_another_machine_is_alive_while_its_heartbeat_is_recent(
        self, hardware: Hardware
    ) -> None:
        process.register(hardware)
        Device.objects.update(hostname="elsewhere")
        with pytest.raises(SettingError, match="on elsewhere"):
            process.register(hardware)

        Device.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=1))

        assert process.register(hardware).hostname != "elsewhere"


@pytest.mark.django_db
def test_a_heartbeat_renews_the_lease_of_its_own_running_job(
    submit: Submit, claimed: Claim, device: Device, models: ResidentModels
) -> None:
    mine, others, waiting = submit(), submit(), submit()
    worker = Worker(device, models)
    worker.running = [claimed(mine)]
    claimed(others, Device.objects.create(name="cpu:1", works=["preview", "image"]))
    long_ago = timezone.now() - timedelta(minutes=5)
    Job.objects.filter(status=Status.PROCESSING).update(lease_expires_at=long_ago)
    Device.objects.update(heartbeat_at=long_ago, free_bytes=None)

    process.beat(device, worker)

    leases = dict(Job.objects.values_list("pk", "lease_expires_at"))
    assert leases[mine.pk] > timezone.now()
    assert (leases[others.pk], leases[waiting.pk]) == (long_ago, None)
    (alive,) = Device.objects.online()
    assert alive == device
    assert alive.free_bytes, "what others leave is told with every heartbeat"


@pytest.mark.django_db
def test_a_device_is_offline_at_once_after_signing_off(device: Device) -> None:
    process.sign_off(device)

    device.refresh_from_db()
    assert (device.state, device.resident) == ("away", [])


@pytest.mark.django_db(transaction=True)
def test_a_failed_heartbeat_is_logged_and_the_next_one_follows(
    device: Device,
    models: ResidentModels,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.GENGA_HEARTBEAT_SECONDS = 0.01
    stop, beats = threading.Event(), []

    def locked_once(_: Device, worker: Worker) -> None:
        beats.append(1)
        if len(beats) == 1:
            raise OSError("database is locked")

    monkeypatch.setattr(process, "beat", locked_once)
    heart = threading.Thread(target=process._beat, args=(device, Worker(device, models), stop))
    heart.start()
    wait_until(lambda: len(beats) > 6, "it beats on")
    stop.set()
    heart.join()

    assert "a heartbeat of cpu:0 failed" in caplog.text


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(CommandError, match="allowed are cpu and cuda"):
        call_command("worker", device="tpu:0")


@pytest.fixture
def quick_toon(submit: Submit, toon_copy: Path) -> None:
    """Let submitted jobs use a model with a preview map, which a process loads quickly."""
    register_at(toon_copy)


def is_over(job: Job) -> bool:
    job.refresh_from_db()
    return job.state.ended


def wait_for_steps(worker: WorkerProcess, job: Job, steps: int) -> None:
    done = Progress.objects.filter(pk=job.pk, stage=Stage.DENOISE, steps_complete__gte=steps)
    worker.until(done.exists, f"{steps} steps are done")


@pytest.mark.django_db(transaction=True)
def test_a_worker_refuses_a_second_one_renders_cancels_and_hands_back_when_stopped(
    submit: Submit, quick_toon: None
) -> None:
    with WorkerProcess("cpu:0") as worker:
        worker.until(Device.objects.online().exists, "the worker has registered")
        assert Device.objects.get().pid == worker.pid
        with WorkerProcess("cpu:0") as second:
            assert second.wait() != 0
            assert f"already has a worker (process {worker.pid}" in second.said()

        picture = submit()
        worker.until(lambda: is_over(picture), "the picture is rendered")
        assert picture.status == Status.COMPLETED, picture.error_message
        assert default_storage.exists(picture.outputs.get().file.name)
        worker.until(lambda: Device.objects.get().resident == ["toon"], "the model is resident")

        unwanted = submit(steps=LONG)
        wait_for_steps(worker, unwanted, 3)
        assert requests.cancel(unwanted)
        worker.until(lambda: is_over(unwanted), "the job is cancelled")
        assert unwanted.status == Status.CANCELLED
        attempt = unwanted.attempts.get()
        assert len(attempt.timings.get(stage=Stage.DENOISE).steps) < LONG
        assert not attempt.timings.filter(stage=Stage.DECODE).exists()

        interrupted = submit(steps=LONG)
        wait_for_steps(worker, interrupted, 3)
        assert worker.terminate() == 0

    interrupted.refresh_from_db()
    assert interrupted.status == Status.QUEUED
    assert interrupted.attempts.get().outcome == Outcome.HANDED_BACK
    device = Device.objects.get()
    assert (device.state, device.resident) == ("away", [])


@pytest.mark.django_db(transaction=True)
def test_no_job_is_lost_when_a_worker_is_killed(
    submit: Submit, quick_toon: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GENGA_SNAPSHOT_SECONDS", "0")
    job = submit(steps=LONG)
    with WorkerProcess("cpu:0") as first:
        wait_for_steps(first, job, 3)
        first.kill()

    job.refresh_from_db()
    assert job.status == Status.PROCESSING, "nobody could say what happened"
    with WorkerProcess("cpu:0") as successor:
        successor.until(lambda: is_over(job), "the successor has rendered it")
        assert successor.terminate() == 0

    assert job.status == Status.COMPLETED, job.error_message
    lost, completed = job.attempts.all()
    assert (lost.outcome, completed.outcome) == (Outcome.LOST, Outcome.COMPLETED)
    assert completed.resumed_from >= 2, "it went on from the last snapshot"
    assert snapshots.job_ids() == set()
    undisturbed = submit(steps=LONG)
    with WorkerProcess("cpu:0") as quiet:
        quiet.until(lambda: is_over(undisturbed), "the same is rendered undisturbed")
    assert undisturbed.outputs.get().sha256 == job.outputs.get().sha256
    assert job.outputs.get().attempt.number == 2


@pytest.mark.django_db(transaction=True)
def test_the_worker_of_another_device_takes_over_when_the_lease_has_expired(
    submit: Submit, quick_toon: None
) -> None:
    job = submit(steps=LONG)
    with WorkerProcess("cpu:0") as doomed:
        wait_for_steps(doomed, job, 3)
        doomed.kill()
        with WorkerProcess("cpu:1") as heir:
            heir.until(lambda: is_over(job), "the heir has rendered it")
            assert heir.terminate() == 0

    assert job.status == Status.COMPLETED, job.error_message
    devices = list(job.attempts.values_list("device_name", "outcome"))
    assert devices == [("cpu:0", Outcome.LOST), ("cpu:1", Outcome.COMPLETED)]
