"""Kept frames of an interrupted attempt, with the real worker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from PIL import Image

from generation.models import Device, Job, ModelCard, Output, Progress
from generation.pipelines.resident import ResidentModels
from generation.pipelines.upscale.upscale import Lanczos
from generation.queue import lifecycle, requests
from generation.specs import EnhanceSpec, RenderSpec, SourceFile, SourceUse
from generation.states import Outcome, Priority, Status, Work
from generation.worker import sweeper
from generation.worker.resume import kept_frames
from generation.worker.runner import Worker

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., Job]
FRAMES = 11
"""Six frames, interpolated by a factor of two."""


@pytest.fixture(autouse=True)
def _own_folders(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.GENGA_HOME = tmp_path
    settings.MEDIA_ROOT = tmp_path / "media"
    monkeypatch.setattr("generation.worker.interruptions.BETWEEN_FRAMES_SECONDS", 0.0)


@pytest.fixture
def worker(device: Device, models: ResidentModels) -> Worker:
    Device.objects.update(works=list(Work))
    return Worker(device, models)


@pytest.fixture
def enhance(
    worker: Worker, artist: User, toon_motion: ModelCard, spec: RenderSpec
) -> Callable[[], Job]:
    """Render a clip, and submit a job that interpolates and upscales it."""
    clip = replace(spec, type="video", model="toon-motion", frames=6, fps=8, steps=2)
    drawn = lifecycle.submit(clip, owner=artist, model=toon_motion)
    worker.drain()
    made: Output = drawn.outputs.get()
    larger = EnhanceSpec.of(
        clip,
        source=SourceFile(file=str(made.file.name), sha256=made.sha256, use=SourceUse.ENHANCE),
        interpolate=2,
        interpolator="farneback",
        upscale=2,
        upscaler="lanczos",
    )
    return lambda: lifecycle.submit(larger, owner=artist, model=toon_motion)


@pytest.fixture
def upscaled(monkeypatch: pytest.MonkeyPatch) -> list[Image.Image]:
    """The frames that were upscaled."""
    seen: list[Image.Image] = []
    upscale = Lanczos.upscale

    def noted(self: Lanczos, picture: Image.Image) -> Image.Image:
        seen.append(picture)
        return upscale(self, picture)

    monkeypatch.setattr(Lanczos, "upscale", noted)
    return seen


def outcomes(job: Job) -> list[tuple[str, int]]:
    return list(job.attempts.values_list("outcome", "resumed_from"))


def file_of(job: Job) -> str:
    job.refresh_from_db()
    assert job.status == Status.COMPLETED, job.error_message
    return str(job.outputs.get().sha256)


def interrupt_at(frame: int, act: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Call `act` once after `frame` frames have been upscaled."""
    upscale, done = Lanczos.upscale, []

    def counted(self: Lanczos, picture: Image.Image) -> Image.Image:
        done.append(picture)
        if len(done) == frame:
            # No heartbeat runs here, and a device that seems offline never yields.
            Device.objects.update(heartbeat_at=timezone.now())
            act()
        return upscale(self, picture)

    monkeypatch.setattr(Lanczos, "upscale", counted)


def test_a_preempted_enhancement_resumes_at_the_next_frame_with_an_identical_file(
    worker: Worker,
    enhance: Callable[[], Job],
    submit: Submit,
    upscaled: list[Image.Image],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    undisturbed = enhance()
    worker.drain()
    upscaled.clear()
    job = enhance()
    interrupt_at(4, lambda: submit(Priority.URGENT, steps=1), monkeypatch)
    worker.drain()

    assert outcomes(job) == [(Outcome.PREEMPTED, 0), (Outcome.COMPLETED, FRAMES)]
    assert len(upscaled) == FRAMES, "no frame was upscaled twice"
    assert file_of(job) == file_of(undisturbed)
    assert list(kept_frames.root().glob("*")) == []
    assert not job.attempts.get(number=2).is_comparable
    assert Progress.objects.get(pk=job.pk).percent == 100.0


def test_kept_frames_of_another_identity_are_not_used(
    worker: Worker,
    enhance: Callable[[], Job],
    upscaled: list[Image.Image],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = enhance()
    interrupt_at(4, worker.stop, monkeypatch)
    worker.drain()
    assert kept_frames.job_ids() == {job.pk}
    (kept_frames.folder(job.pk) / kept_frames.IDENTITY).write_text("made by another version")

    Worker(worker.device, worker.models).drain()

    assert outcomes(job) == [(Outcome.HANDED_BACK, 0), (Outcome.COMPLETED, 0)]
    assert len(upscaled) == 4 + FRAMES
    assert list(kept_frames.root().glob("*")) == []


def test_kept_frames_stay_while_the_job_waits_and_are_deleted_with_it(
    worker: Worker, enhance: Callable[[], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = enhance()
    interrupt_at(2, worker.stop, monkeypatch)
    worker.drain()

    assert sweeper.sweep_work() == 0
    assert kept_frames.job_ids() == {job.pk}
    requests.cancel(Job.objects.get(pk=job.pk))
    assert sweeper.sweep_work() == 1
    assert kept_frames.job_ids() == set()


def test_an_attempt_without_frames_keeps_nothing(tmp_path: Path, submit: Submit) -> None:
    job = submit()
    kept_frames.keep(tmp_path / "never made", job.pk, "identity")
    kept_frames.take_over(tmp_path / "never made", job.pk, "identity")

    assert not (tmp_path / "never made").exists()
