"""Every failure of a render ends in a state with a reason, and leaves no file."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from generation.models import Device, Job, ModelCard
from generation.pipelines.loop.step import Step
from generation.pipelines.resident import ResidentModels
from generation.queue import requests
from generation.specs import Lora
from generation.states import Outcome, Stage, Status
from generation.worker.runner import Worker
from tests.conftest import register_at
from tests.generation.watched import WatchedModel
from tests.generation.worker.conftest import Run, stored_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]

Submit = Callable[..., Job]


def test_a_deleted_model_folder_fails_the_job(
    run: Run, submit: Submit, tmp_path: Path, media: Path
) -> None:
    ModelCard.objects.update(folder=str(tmp_path / "gone"))
    job = submit()

    attempt = run(job)

    assert (job.status, job.error_code) == (Status.FAILED, "model_missing")
    assert "register_model" in job.error_hint
    assert (attempt.outcome, attempt.error_code) == (Outcome.FAILED, "model_missing")
    assert attempt.timings.get().stage == Stage.LOAD
    assert Device.objects.get().resident == []
    assert stored_files(media) == []


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_damaged_weights_fail_the_job(part: str, run: Run, submit: Submit, toon_copy: Path) -> None:
    (weights,) = (toon_copy / part).glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:5000])
    register_at(toon_copy)
    job = submit()

    run(job)

    assert (job.status, job.error_code) == (Status.FAILED, "model_unreadable")
    assert "toon cannot be loaded" in job.error_message


def test_a_missing_tokenizer_fails_the_job(run: Run, submit: Submit, toon_copy: Path) -> None:
    """transformers would make an empty tokenizer, and all prompts would give the same picture."""
    shutil.rmtree(toon_copy / "tokenizer")
    register_at(toon_copy)
    job = submit()

    run(job)

    assert (job.status, job.error_code) == (Status.FAILED, "model_unreadable")
    assert "no tokenizer" in job.error_message


def test_an_unknown_family_fails_the_job(run: Run, submit: Submit) -> None:
    ModelCard.objects.update(family="cave-painting")
    job = submit()

    run(job)

    assert job.error_code == "model_unreadable"
    assert job.error_message == "No pipeline renders the family 'cave-painting'."


@pytest.mark.usefixtures("watched")
def test_an_unknown_scheduler_fails_the_job(run: Run, submit: Submit) -> None:
    job = submit(scheduler="SlowScheduler")

    run(job)

    assert job.error_code == "model_unreadable"
    assert "SlowScheduler" in job.error_message
    assert "admin" in job.error_hint


@pytest.mark.usefixtures("watched")
def test_a_missing_lora_file_fails_the_job(run: Run, submit: Submit) -> None:
    job = submit(loras=(Lora(file="loras/mika.safetensors", sha256="a" * 64),))

    run(job)

    assert job.error_code == "model_missing"
    assert "mika.safetensors" in job.error_message
    assert "Upload it again" in job.error_hint


@pytest.mark.usefixtures("watched")
def test_an_unwritable_storage_fails_the_job(
    run: Run, submit: Submit, settings: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    settings.MEDIA_ROOT = tmp_path / "file" / "media"
    job = submit()

    attempt = run(job)

    assert (job.status, job.error_code) == (Status.FAILED, "output_unwritable")
    assert "Make room" in job.error_hint
    assert not job.outputs.exists()
    assert stored_files(tmp_path) == ["file"]
    assert len(attempt.timings.get(stage=Stage.DENOISE).steps) == job.spec.steps


def test_too_little_memory_fails_the_job(run: Run, submit: Submit, watched: WatchedModel) -> None:
    def run_out(_: Step) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    watched.between = run_out
    job = submit()

    run(job)

    assert (job.status, job.error_code) == (Status.FAILED, "out_of_memory")
    assert "smaller size" in job.error_hint
    assert watched.decodes == 0


@pytest.mark.parametrize(
    "problem",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes."),
        MemoryError(),
    ],
    ids=["on a GPU", "on a CPU", "in Python"],
)
def test_too_little_memory_for_the_model_fails_the_job_with_the_same_reason(
    problem: Exception,
    run: Run,
    submit: Submit,
    toon_copy: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run_out(*_: Any, **__: Any) -> None:
        raise problem

    monkeypatch.setattr(torch.nn.Module, "to", run_out)
    register_at(toon_copy)
    job = submit()

    run(job)

    assert (job.status, job.error_code) == (Status.FAILED, "out_of_memory")


def test_an_unexpected_error_fails_the_job_with_its_text(
    run: Run, submit: Submit, watched: WatchedModel, media: Path
) -> None:
    watched.before_decode = lambda: 1 // 0
    job = submit()

    run(job)

    assert (job.status, job.error_code) == (Status.FAILED, "render_failed")
    assert job.error_message == "ZeroDivisionError: integer division or modulo by zero"
    assert stored_files(media) == []


@pytest.mark.usefixtures("watched")
def test_a_failed_job_does_not_stop_the_next(
    device: Device, models: ResidentModels, submit: Submit
) -> None:
    submit(scheduler="SlowScheduler")
    good = submit()

    assert Worker(device, models).drain() == 2

    good.refresh_from_db()
    assert good.status == Status.COMPLETED


def test_a_failed_job_renders_after_a_retry_when_the_cause_is_fixed(
    run: Run, submit: Submit, toon_copy: Path, tmp_path: Path
) -> None:
    ModelCard.objects.update(folder=str(tmp_path / "gone"))
    job = submit()
    run(job)
    register_at(toon_copy)
    requests.retry(job)

    run(job)

    assert job.status == Status.COMPLETED
    assert list(job.attempts.values_list("outcome", flat=True)) == ["failed", "completed"]
