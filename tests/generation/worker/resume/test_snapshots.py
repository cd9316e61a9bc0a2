"""Snapshots on the disk are complete or absent, also after crashes and damage."""

from __future__ import annotations

import logging
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
import torch

from generation.pipelines.families.stable_diffusion.pipeline import StableDiffusion
from generation.pipelines.loop.step import LoopState, Step
from generation.specs import RenderSpec
from generation.worker.resume import snapshots

JOB = UUID("5d9e2a40-3a7b-4a9e-9d0e-2f3f8f6f5a11")
IDENTITY = "spec:cpu:float32:1.0"


@pytest.fixture(autouse=True)
def home(settings: Any, tmp_path: Path) -> Path:
    settings.GENGA_HOME = tmp_path
    return tmp_path


@pytest.fixture
def state() -> LoopState:
    """A state with every type that it may contain."""
    generator = torch.Generator().manual_seed(5)
    return LoopState(
        done=3,
        latents=torch.randn((1, 4, 3, 8, 8), generator=generator).transpose(1, 2),
        generator=generator.get_state(),
        scheduler={
            "values": {
                "nested": [None, (True, 2, {"three": "3 \u2603"}), []],
                "floats": [0.1, float("inf"), 1e-300],
                "array": np.arange(6, dtype=np.int64).reshape(2, 3),
                "number": np.float32(0.1),
                "half": torch.ones(3, dtype=torch.bfloat16),
                "scalar": torch.tensor(7),
                "flags": torch.tensor([True, False]),
                "none of them": torch.empty(0, 4),
            },
            "elsewhere": ["half"],
        },
        number=2,
    )


def equal(one: Any, other: Any) -> bool:
    """Whether two values are equal in type, and tensors in type, layout and every bit."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and one.stride() == other.stride() and one.equal(other)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if isinstance(one, dict):
        return list(one) == list(other) and all(equal(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(equal, one, other))
    if isinstance(one, LoopState):
        return all(equal(getattr(one, name), getattr(other, name)) for name in one.__slots__)
    return bool(one == other)


def test_a_written_state_is_read_back(state: LoopState) -> None:
    snapshots.write(JOB, IDENTITY, state)

    assert equal(snapshots.read(JOB, IDENTITY), state)
    assert equal(snapshots.read(JOB, IDENTITY), state), "reading takes nothing away"


def test_a_newer_snapshot_replaces_the_earlier_one(state: LoopState, home: Path) -> None:
    snapshots.write(JOB, IDENTITY, state)
    snapshots.write(JOB, IDENTITY, replace(state, done=4))

    found = snapshots.read(JOB, IDENTITY)
    assert found is not None
    assert found.done == 4
    assert [path.name for path in (home / "snapshots").iterdir()] == [f"{JOB}.safetensors"]


def test_without_a_snapshot_there_is_no_state(caplog: pytest.LogCaptureFixture) -> None:
    assert snapshots.read(JOB, IDENTITY) is None
    assert snapshots.job_ids() == set()
    snapshots.discard(JOB)
    assert caplog.text == ""


def test_snapshots_of_different_jobs_are_independent(state: LoopState) -> None:
    other = uuid4()
    snapshots.write(JOB, IDENTITY, state)
    snapshots.write(other, IDENTITY, replace(state, done=9))
    assert snapshots.job_ids() == {JOB, other}

    snapshots.discard(JOB)

    assert snapshots.job_ids() == {other}
    assert snapshots.read(JOB, IDENTITY) is None
    found = snapshots.read(other, IDENTITY)
    assert found is not None
    assert found.done == 9


def test_a_snapshot_of_another_identity_is_refused_and_deleted(
    state: LoopState, caplog: pytest.LogCaptureFixture
) -> None:
    snapshots.write(JOB, IDENTITY, state)

    with caplog.at_level(logging.WARNING):
        assert snapshots.read(JOB, "spec:cuda:float16:1.0") is None

    assert "something else" in caplog.text
    assert snapshots.job_ids() == set()


def test_a_snapshot_of_another_format_is_refused(
    state: LoopState, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as older:
        older.setattr(snapshots, "FORMAT", "0")
        snapshots.write(JOB, IDENTITY, state)

    assert snapshots.read(JOB, IDENTITY) is None
    assert "format" in caplog.text


def refused(content: bytes) -> bool:
    """Whether a file with this content is refused and deleted."""
    path = snapshots.folder() / f"{JOB}.safetensors"
    path.write_bytes(content)
    return snapshots.read(JOB, IDENTITY) is None and not path.exists()


def test_a_flipped_bit_anywhere_is_detected(
    state: LoopState, caplog: pytest.LogCaptureFixture
) -> None:
    snapshots.write(JOB, IDENTITY, state)
    whole = (snapshots.folder() / f"{JOB}.safetensors").read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    chosen = random.Random(1)
    places = [*range(header), *chosen.sample(range(header, len(whole)), 500)]

    with caplog.at_level(logging.CRITICAL):
        for place in places:
            harmed = bytearray(whole)
            harmed[place] ^= 1 << chosen.randrange(8)
            assert refused(bytes(harmed)), f"byte {place} of {len(whole)}"
    assert not refused(whole)


def test_a_truncated_or_extended_file_is_detected(state: LoopState) -> None:
    snapshots.write(JOB, IDENTITY, state)
    whole = (snapshots.folder() / f"{JOB}.safetensors").read_bytes()

    for length in {0, 1, 7, 8, 9, len(whole) - 1, *range(0, len(whole), 997)}:
        assert refused(whole[:length])
    assert refused(whole + b"\0")
    assert refused(whole * 2)


@pytest.mark.parametrize(
    "content",
    [
        b"not a snapshot at all",
        bytes(10_000),
        b"\xff" * 10_000,
        (2).to_bytes(8, "little") + b"{}",
        (20).to_bytes(8, "little") + b'{"__metadata__":{}} ',
        (40).to_bytes(8, "little") + b'{"__metadata__":{"sha256":"of nothing"}}',
    ],
    ids=["text", "zeros", "ones", "no header", "no metadata", "no content"],
)
def test_garbage_is_refused_with_a_warning(
    content: bytes, state: LoopState, caplog: pytest.LogCaptureFixture
) -> None:
    snapshots.write(JOB, IDENTITY, state)

    assert refused(content)
    assert str(JOB) in caplog.text


def test_a_half_written_file_is_not_a_snapshot(state: LoopState) -> None:
    snapshots.write(JOB, IDENTITY, state)
    left = snapshots.folder() / f"{JOB}.writing-a1b2c3"
    left.write_bytes((snapshots.folder() / f"{JOB}.safetensors").read_bytes()[:500])
    (snapshots.folder() / "notes.txt").write_text("not ours")

    assert equal(snapshots.read(JOB, IDENTITY), state)
    assert snapshots.job_ids() == {JOB}
    snapshots.discard(JOB)
    assert [path.name for path in snapshots.folder().iterdir()] == ["notes.txt"]


def test_a_half_written_file_is_found_without_a_snapshot() -> None:
    snapshots.folder().mkdir()
    (snapshots.folder() / f"{JOB}.writing-a1b2c3").write_bytes(b"half")

    assert snapshots.job_ids() == {JOB}
    assert snapshots.read(JOB, IDENTITY) is None


def test_a_failed_write_raises_and_keeps_the_earlier_snapshot(
    state: LoopState, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshots.write(JOB, IDENTITY, state)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            snapshots.write(JOB, IDENTITY, replace(state, done=4))

    assert equal(snapshots.read(JOB, IDENTITY), state)
    assert len(list(snapshots.folder().iterdir())) == 1, "no half-written file stays"


WRITERS = """
import itertools, os, sys
from pathlib import Path
from uuid import UUID
import torch
from django.conf import settings
settings.configure(GENGA_HOME=Path(sys.argv[1]))
from generation.pipelines.loop.step import LoopState
from generation.worker.resume import snapshots
for line in sys.stdin:
    process = os.fork()
    if process:
        print(process, flush=True)
        os.waitpid(process, 0)
        print("gone", flush=True)
        continue
    for done in itertools.count():
        latents = torch.full((1, 4, 64, 64), float(done))
        outputs = {"values": {"outputs": [latents * 2, latents * 3]}, "elsewhere": []}
        state = LoopState(done, latents, torch.zeros(5056, dtype=torch.uint8), outputs, done)
        snapshots.write(UUID(line.strip()), "kill", state)
"""
"""A process that, for each line with a job's id, writes snapshots of that job endlessly."""


def test_a_killed_writer_leaves_a_complete_snapshot_or_none(home: Path) -> None:
    found = torn = 0
    writers = subprocess.Popen(
        [sys.executable, "-c", WRITERS, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert writers.stdin is not None
    assert writers.stdout is not None
    with writers:
        for turn in range(60):
            job_id = uuid4()
            writers.stdin.write(f"{job_id}\n")
            process = int(writers.stdout.readline())
            time.sleep(0.0007 * turn)
            os.kill(process, signal.SIGKILL)
            writers.stdout.readline()
            torn += len(list(snapshots.folder().glob(f"{job_id}.writing-*")))
            there = (snapshots.folder() / f"{job_id}.safetensors").exists()
            state = snapshots.read(job_id, "kill")
            assert (state is not None) == there
            if state is not None:
                found += 1
                first, second = state.scheduler["values"]["outputs"]
                assert (state.latents == state.done).all()
                assert (first == 2 * state.done).all()
                assert (second == 3 * state.done).all()
            snapshots.discard(job_id)
    assert found > 0
    assert torn > 0, "some were killed in the middle of writing"
    assert snapshots.job_ids() == set()


@pytest.mark.parametrize(
    "scheduler", ["DPMSolverMultistepScheduler", "EulerAncestralDiscreteScheduler", "PNDMScheduler"]
)
def test_a_render_resumes_from_the_disk_with_the_same_latents(
    scheduler: str, pipeline: StableDiffusion, spec: RenderSpec
) -> None:
    asked = replace(spec, width=64, height=64, scheduler=scheduler)

    def render(on_step: Callable[[Step], None], resume: LoopState | None = None) -> torch.Tensor:
        words = pipeline.encode(asked)
        return StableDiffusion.denoise(pipeline, asked, words, on_step, resume=resume)

    def keep_the_second(step: Step) -> None:
        if step.number == 2:
            assert step.save is not None
            snapshots.write(JOB, IDENTITY, step.save())

    undisturbed = render(keep_the_second)
    found = snapshots.read(JOB, IDENTITY)

    assert found is not None
    assert torch.equal(render(lambda _: None, found), undisturbed)
