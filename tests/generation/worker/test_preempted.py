"""Interrupted renders resume, and batches run, with the real model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.utils import timezone
from PIL import Image

from generation.errors import RenderError
from generation.models import Device, Job, Progress
from generation.pipelines.resident import ResidentModels
from generation.queue import lifecycle, requests
from generation.states import Outcome, Priority, Stage, Status, Work
from generation.worker import interruptions
from generation.worker.resume import kept_frames, snapshots
from generation.worker.runner import Worker
from tests.generation.media.png_files import read_provenance
from tests.generation.watched import WatchedModel

pytestmark = pytest.mark.django_db(transaction=True)

Submit = Callable[..., Job]


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    """A snapshot folder of this test only."""
    settings.GENGA_HOME = tmp_path


@pytest.fixture
def worker(device: Device, models: ResidentModels, watched: WatchedModel) -> Worker:
    """A worker with the model loaded."""
    return Worker(device, models)


def outcomes(job: Job) -> list[tuple[str, int]]:
    """The outcome of each attempt, and the step from which it resumed."""
    return list(job.attempts.values_list("outcome", "resumed_from"))


def file_of(job: Job) -> str:
    """The digest of the job's finished file."""
    job.refresh_from_db()
    assert job.status == Status.COMPLETED, job.error_message
    return str(job.outputs.get().sha256)


def undisturbed(worker: Worker, watched: WatchedModel, submit: Submit, **spec: Any) -> str:
    """The digest of the file of an uninterrupted render."""
    watched.watch()
    job = submit(**spec)
    worker.drain()
    return file_of(job)


def test_an_urgent_job_starts_after_the_current_step_and_the_other_resumes_afterwards(
    worker: Worker, submit: Submit, watched: WatchedModel
) -> None:
    low = submit(Priority.LOW, steps=12)
    submitted: list[Job] = []

    def submit_urgent(step: Any) -> None:
        if step.number == 5 and not submitted:
            submitted.append(submit(Priority.URGENT, seed=2, steps=2))

    watched.between = submit_urgent
    worker.drain()

    urgent = submitted[0]
    assert watched.steps == [1, 2, 3, 4, 5, 1, 2, *range(6, 13)]
    assert outcomes(low) == [(Outcome.PREEMPTED, 0), (Outcome.COMPLETED, 5)]
    assert outcomes(urgent) == [(Outcome.COMPLETED, 0)]
    assert file_of(low) == undisturbed(worker, watched, submit, steps=12)
    assert Job.objects.get(pk=low.pk).preemptions == 1
    assert low.pk not in snapshots.job_ids()
    kinds = list(low.events.values_list("kind", flat=True))
    assert kinds[2] == "job.preempted"


def test_a_render_preempted_within_a_step_repeats_that_step(
    worker: Worker, submit: Submit, watched: WatchedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interruptions, "WITHIN_STEP_SECONDS", 0.0)
    low = submit(Priority.LOW, steps=8)
    blocks: list[int] = []

    def submit_urgent() -> None:
        if watched.steps[-1:] == [3]:
            blocks.append(len(watched.steps))
            if len(blocks) == 3:
                submit(Priority.URGENT, seed=2, steps=2)

    watched.inside = submit_urgent
    worker.drain()

    assert watched.steps == [1, 2, 3, 1, 2, *range(4, 9)]
    assert outcomes(low) == [(Outcome.PREEMPTED, 0), (Outcome.COMPLETED, 3)]
    assert file_of(low) == undisturbed(worker, watched, submit, steps=8)


def test_a_cancel_within_a_step_stops_the_render_there(
    worker: Worker, submit: Submit, watched: WatchedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interruptions, "WITHIN_STEP_SECONDS", 0.0)
    job = submit(steps=8)
    watched.inside = lambda: watched.steps[-1:] == [3] and requests.cancel(job)
    worker.drain()

    job.refresh_from_db()
    assert job.status == Status.CANCELLED
    assert (watched.steps, watched.decodes) == ([1, 2, 3], 0)


def test_a_device_that_is_paused_at_once_hands_back_and_another_resumes(
    worker: Worker, submit: Submit, watched: WatchedModel, models: ResidentModels
) -> None:
    job = submit(steps=8)
    watched.between = lambda step: (
        step.number == 3 and Device.objects.filter(name="cpu:0").update(pause="at_once")
    )
    worker.drain()
    job.refresh_from_db()
    assert (job.status, job.saved_steps) == (Status.QUEUED, 3)

    other = Device.objects.create(
        name="cpu:1", kind="cpu", works=list(Work), heartbeat_at=timezone.now()
    )
    Worker(other, models).drain()

    assert outcomes(job) == [(Outcome.HANDED_BACK, 0), (Outcome.COMPLETED, 3)]
    Device.objects.update(pause="")
    assert file_of(job) == undisturbed(worker, watched, submit, steps=8)


def test_a_job_of_a_lost_worker_resumes_from_its_last_snapshot(
    worker: Worker, submit: Submit, watched: WatchedModel, settings: Any
) -> None:
    settings.GENGA_SNAPSHOT_SECONDS = 0.0
    job = submit(steps=8)

    class Vanished(BaseException):
        """Like a SIGKILL, no handler catches it."""

    def vanish(step: Any) -> None:
        if step.number == 6:
            raise Vanished

    watched.between = vanish
    with pytest.raises(Vanished):
        worker.drain()
    watched.watch()
    lifecycle.give_up_lost(job.attempts.get())
    worker.drain()

    assert outcomes(job) == [(Outcome.LOST, 0), (Outcome.COMPLETED, 5)]
    assert file_of(job) == undisturbed(worker, watched, submit, steps=8)


def test_after_damage_to_the_snapshot_all_steps_are_repeated(
    worker: Worker, submit: Submit, watched: WatchedModel
) -> None:
    job = submit(steps=6)
    watched.between = lambda step: step.number == 3 and worker.stop()
    worker.drain()
    path = next(snapshots.folder().glob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:-100])
    watched.watch()

    Worker(worker.device, worker.models).drain()

    assert outcomes(job) == [(Outcome.HANDED_BACK, 0), (Outcome.COMPLETED, 0)]


def pixels(job: Job) -> np.ndarray[Any, Any]:
    """The finished picture."""
    job.refresh_from_db()
    assert job.status == Status.COMPLETED, job.error_message
    with Image.open(job.outputs.get().file) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def test_each_member_of_a_batch_gets_its_own_picture(
    worker: Worker, submit: Submit, watched: WatchedModel
) -> None:
    members = [submit(seed=seed) for seed in (1, 2, 3)]

    assert worker.drain() == 3

    assert watched.steps == []
    together = [pixels(job) for job in members]
    for job in members:
        attempt = job.attempts.get()
        assert attempt.batch_size == 3
        assert read_provenance(job.outputs.get().file.read())["batch"] == 3
        assert Progress.objects.get(pk=job.pk).steps_complete == job.spec.steps
    for seed, picture in zip((1, 2, 3), together, strict=True):
        alone = submit(seed=seed)
        worker.drain()
        assert np.abs(pixels(alone) - picture).max() <= 2


def test_a_member_that_is_cancelled_leaves_the_batch(
    worker: Worker, submit: Submit, watched: WatchedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (submit(seed=seed, steps=6) for seed in (1, 2, 3))
    told: list[int] = []
    together = watched.denoise_batch

    def denoise(specs: Any, conditionings: Any, on_step: Any) -> Any:
        def both(step: Any) -> Any:
            if step.number == 2:
                requests.cancel(second)
            told.append(step.number)
            return on_step(step)

        return together(specs, conditionings, both)

    monkeypatch.setattr(watched, "denoise_batch", denoise)
    worker.drain()

    second.refresh_from_db()
    assert second.status == Status.CANCELLED
    assert not second.outputs.exists()
    assert told == [1, 2, 3, 4, 5, 6]
    assert watched.decodes == 2
    assert pixels(first).shape == pixels(third).shape == (128, 128, 3)


def test_a_batch_whose_members_have_all_ended_decodes_nothing(
    worker: Worker, submit: Submit, watched: WatchedModel
) -> None:
    members = [submit(seed=seed, steps=6) for seed in (1, 2)]
    together = watched.denoise_batch

    def denoise(specs: Any, conditionings: Any, on_step: Any) -> Any:
        def both(step: Any) -> Any:
            for job in members:
                requests.cancel(job)
            return on_step(step)

        return together(specs, conditionings, both)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(watched, "denoise_batch", denoise)
        worker.drain()

    assert {Job.objects.get(pk=job.pk).status for job in members} == {Status.CANCELLED}
    assert watched.decodes == 0


def test_a_preempted_batch_starts_again(
    worker: Worker, submit: Submit, watched: WatchedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = [submit(seed=seed, steps=6) for seed in (1, 2)]
    submitted: list[Job] = []
    together = watched.denoise_batch

    def denoise(specs: Any, conditionings: Any, on_step: Any) -> Any:
        def both(step: Any) -> Any:
            if not submitted:
                submitted.append(submit(Priority.URGENT, seed=9, steps=2))
            return on_step(step)

        return together(specs, conditionings, both)

    monkeypatch.setattr(watched, "denoise_batch", denoise)
    worker.drain()

    for job in members:
        assert outcomes(job) == [(Outcome.PREEMPTED, 0), (Outcome.COMPLETED, 0)]
    starts = [job.attempts.last().started_at for job in (submitted[0], *members)]
    assert starts == sorted(starts)


def test_a_batch_is_preempted_within_a_step_too(
    worker: Worker, submit: Submit, watched: WatchedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interruptions, "WITHIN_STEP_SECONDS", 0.0)
    members = [submit(seed=seed, steps=6) for seed in (1, 2)]
    submitted: list[Job] = []

    def submit_urgent() -> None:
        if not submitted:
            submitted.append(submit(Priority.URGENT, seed=9, steps=2))

    watched.inside = submit_urgent
    worker.drain()

    for job in members:
        first = job.attempts.get(number=1)
        assert outcomes(job) == [(Outcome.PREEMPTED, 0), (Outcome.COMPLETED, 0)]
        assert first.timings.get(stage=Stage.DENOISE).steps == [], "it left within its first step"
        assert first.timings.get(stage=Stage.DENOISE).seconds > 0.0
    assert outcomes(submitted[0]) == [(Outcome.COMPLETED, 0)]


def test_a_member_that_is_cancelled_within_a_step_ends_at_once(
    worker: Worker, submit: Submit, watched: WatchedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interruptions, "WITHIN_STEP_SECONDS", 0.0)
    first, second = (submit(seed=seed, steps=6) for seed in (1, 2))
    seen: list[str] = []

    def cancel() -> None:
        second.refresh_from_db()
        seen.append(second.status)
        requests.cancel(second)

    watched.inside = cancel
    worker.drain()

    assert seen[:2] == [Status.PROCESSING, Status.CANCELLED], "by the next block of the same step"
    denoising = second.attempts.get().timings.get(stage=Stage.DENOISE)
    assert (denoising.steps, denoising.seconds > 0.0) == ([], True)
    assert watched.decodes == 1
    assert pixels(first).shape == (128, 128, 3)


def test_a_member_that_fails_does_not_affect_the_others(
    worker: Worker, submit: Submit, watched: WatchedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    encode, decodes = watched.encode, watched.decode
    members = {name: submit(prompt=name) for name in ("cannot be read", "cannot be seen", "fine")}

    def encode_some(spec: Any, *loras: Any) -> Any:
        if spec.prompt == "cannot be read":
            raise RenderError("no words")
        return encode(spec, *loras)

    def decode_some(latents: Any) -> Any:
        if not watched.decodes:
            watched.decodes += 1
            raise RenderError("no colours")
        return decodes(latents)

    monkeypatch.setattr(watched, "encode", encode_some)
    monkeypatch.setattr(watched, "decode", decode_some)
    assert worker.drain() == 3

    failed = {name: Job.objects.get(pk=job.pk).error_message for name, job in members.items()}
    assert failed == {"cannot be read": "no words", "cannot be seen": "no colours", "fine": ""}
    assert pixels(members["fine"]).shape == (128, 128, 3)


def test_frames_of_a_batch_are_not_kept_for_a_later_render(
    worker: Worker, submit: Submit, watched: WatchedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are similar to those of the single render, but not bit-identical."""
    monkeypatch.setattr(interruptions, "BETWEEN_FRAMES_SECONDS", 0.0)
    members = [submit(seed=seed) for seed in (1, 2)]
    watched.before_decode = worker.stop
    worker.drain()

    assert {outcomes(job)[0][0] for job in members} == {Outcome.HANDED_BACK}
    assert kept_frames.job_ids() == set()


def test_an_error_of_the_batch_fails_all_its_members(
    worker: Worker, submit: Submit, watched: WatchedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    members = [submit(seed=seed) for seed in (1, 2)]

    def denoise(*_: Any) -> Any:
        raise RuntimeError("the card is gone")

    monkeypatch.setattr(watched, "denoise_batch", denoise)
    worker.drain()

    for job in members:
        job.refresh_from_db()
        assert (job.status, "the card is gone" in job.error_message) == (Status.FAILED, True)
    assert Job.objects.processing().count() == 0
