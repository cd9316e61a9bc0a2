"""Only the render thread of a worker runs torch operators, with its own number of threads."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connections
from PIL import Image
from torch._C._profiler import _ExperimentalConfig
from torch.profiler import ProfilerActivity, profile

from generation.media import images
from generation.models import Device, Job, Progress
from generation.pipelines.resident import ResidentModels
from generation.states import Status
from generation.worker import threads
from generation.worker.runner import Worker
from tests.conftest import register_at
from tests.generation.processes import PATIENCE_SECONDS, WorkerProcess
from tests.generation.watched import WatchedModel

Submit = Callable[..., Job]

LONG = 60
"""Enough steps for a render to last until its first preview, even on a fast machine."""

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def operators(work: Callable[[], object]) -> Counter[int]:
    """The number of torch operators that each thread runs during `work`, by native id."""
    everywhere = _ExperimentalConfig(profile_all_threads=True)
    with profile(activities=[ProfilerActivity.CPU], experimental_config=everywhere) as profiler:
        work()
    assert profiler.profiler is not None
    events = profiler.profiler.kineto_results.events()
    return Counter(event.device_resource_id() for event in events)


def in_a_thread(work: Callable[[], object]) -> int:
    """Run `work` in a new thread; return the thread's native id."""

    def run() -> None:
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert thread.native_id is not None
    return thread.native_id


def test_operators_of_every_thread_are_seen() -> None:
    """Otherwise the tests below could not fail."""
    ids: list[int] = []

    seen = operators(lambda: ids.append(in_a_thread(lambda: torch.ones(2) + 1)))

    assert seen[ids[0]] > 0


@pytest.mark.django_db(transaction=True)
def test_only_the_render_thread_runs_torch_operators(
    device: Device,
    models: ResidentModels,
    watched: WatchedModel,
    submit: Submit,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    single = submit(steps=LONG)
    batch = [submit(steps=4, prompt=f"1girl, {number}") for number in range(2)]
    worker = Worker(device, models)
    worker.host_load.start()
    render_threads: list[int] = []
    encoded_in: set[int] = set()
    encode = images.preview

    def watched_encode(picture: Image.Image) -> bytes:
        encoded_in.add(threading.get_native_id())
        return encode(picture)

    monkeypatch.setattr(images, "preview", watched_encode)

    seen = operators(lambda: render_threads.append(in_a_thread(worker.drain)))
    worker.host_load.stop()

    for job in (single, *batch):
        job.refresh_from_db()
        assert job.status == Status.COMPLETED, job.error_message
    assert batch[0].attempts.get().batch_size == 2
    assert encoded_in, "previews were made too"
    assert not encoded_in & set(render_threads)
    assert set(seen) == set(render_threads)


@pytest.fixture
def quick_toon(submit: Submit, toon_copy: Path) -> None:
    """Let submitted jobs use a model with a preview map, which a process loads quickly."""
    register_at(toon_copy)


def most_tasks(worker: WorkerProcess, job: Job) -> int:
    """The largest number of native threads of the process while it renders a job."""
    most, previewed = 0, False

    def ended() -> bool:
        nonlocal most, previewed
        most = max(most, len(os.listdir(f"/proc/{worker.pid}/task")))
        previewed = previewed or Progress.objects.filter(pk=job.pk, preview__isnull=False).exists()
        job.refresh_from_db()
        return job.state.ended

    worker.until(ended, "the job is rendered")
    assert job.status == Status.COMPLETED, job.error_message
    assert previewed, "previews were made too"
    return most


@linux
@pytest.mark.django_db(transaction=True)
def test_a_worker_process_has_one_pool_of_the_size_it_was_given(
    submit: Submit, quick_toon: None
) -> None:
    """A pool of n threads adds n - 1 threads to the render thread; a second pool would add more."""
    most = []
    for count in (1, 3):
        with WorkerProcess("cpu:0", "--threads", str(count)) as worker:
            # The first job loads the model, with threads that end afterwards.
            most_tasks(worker, submit(steps=LONG))
            # Large enough for torch to compute a preview with several threads.
            most.append(most_tasks(worker, submit(steps=30, width=256, height=256)))
            assert worker.terminate() == 0
            assert f"torch computes with {count} threads" in worker.said()

    assert most[1] - most[0] == 2


def test_own_cores_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3, 5}, raising=False)
    assert threads.own_cores() == 3

    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert threads.own_cores() == 6


@pytest.mark.parametrize(("devices", "share"), [(1, 8), (2, 4), (3, 2), (9, 1)])
def test_cpu_devices_share_the_cores(
    devices: int, share: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "own_cores", lambda: 8)
    assert threads.share_of_cores(devices) == share


SETTLES = """
import sys, threading
from generation.worker import threads
import torch

usual = threads.reserve_for_render_thread(sys.argv[1])
print(usual, torch.get_num_threads())
render = threading.Thread(target=lambda: (threads.compute_with(usual), print(threads.described())))
render.start()
render.join()
"""


@pytest.mark.parametrize(
    ("kind", "variable", "told"),
    [("cpu", "1", "1 1"), ("cpu", "500", "{cores} 1"), ("cuda", "500", "{some} 1")],
    ids=["a smaller number is kept", "never more than the cores", "a card needs few"],
)
def test_the_render_threads_number_follows_the_device_the_cores_and_the_environment(
    kind: str, variable: str, told: str
) -> None:
    cores = threads.own_cores()
    answer = subprocess.run(
        [sys.executable, "-c", SETTLES, kind],
        cwd=settings.BASE_DIR,
        env={**os.environ, "OMP_NUM_THREADS": variable},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )

    numbers, described = answer.stdout.splitlines()
    assert numbers == told.format(cores=cores, some=min(cores, threads.CUDA_THREADS))
    assert described.startswith(f"{threads.DESCRIBES} {numbers.split()[0]} threads")
    assert f"OMP_NUM_THREADS={variable}" in described


@pytest.mark.parametrize("count", ["0", "-1", "two", "1.5"])
def test_an_invalid_number_of_threads_is_refused(count: str) -> None:
    with pytest.raises(CommandError, match="no whole number above 0"):
        call_command("worker", f"--threads={count}")
