"""What people read of a failed render: short, and the whole text only in the log."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from generation.models import Job, JobEvent
from generation.specs import Lora
from generation.states import Status
from tests.generation.watched import WatchedModel
from tests.generation.worker.conftest import Run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]

Submit = Callable[..., Job]


LOHA = ("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b")


@pytest.mark.usefixtures("watched")
def test_a_lora_that_cannot_be_applied_fails_the_job_with_a_short_text(
    run: Run, submit: Submit, media: Path
) -> None:
    """diffusers lists every tensor of such a file in its error."""
    names = [f"lora_unet_block_{number}.{half}" for number in range(200) for half in LOHA]
    (media / "loras").mkdir(parents=True)
    file = media / "loras" / "mika.safetensors"
    save_file({name: torch.zeros(2, 2) for name in names}, file)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    job = submit(loras=(Lora(file="loras/mika.safetensors", sha256=sha256),))

    attempt = run(job)

    assert job.attempts.get() == attempt
    assert (job.status, job.error_code) == (Status.FAILED, "lora_unreadable")
    assert "LoHa" in job.error_message
    assert "upload another LoRA" in job.error_hint
    assert str(media) not in job.error_message
    assert attempt.error_message == job.error_message


@pytest.mark.usefixtures("watched")
def test_an_error_of_a_library_is_shown_short_and_without_paths(
    run: Run,
    submit: Submit,
    watched: WatchedModel,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    told = f"cannot read {tmp_path}/unet/config.json: " + "size mismatch for conv_in; " * 900

    def break_down() -> None:
        raise RuntimeError(f"{told}\nand more")

    watched.before_decode = break_down
    job = submit()

    attempt = run(job)

    assert job.attempts.get() == attempt
    said = JobEvent.objects.get(job=job, kind="job.failed").data["message"]
    assert job.error_message.startswith("RuntimeError: cannot read config.json: size mismatch")
    assert len(job.error_message) <= 300
    assert attempt.error_message == said == job.error_message
    assert told in caplog.text
