"""Files of a model that change on the disk after they were registered."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from safetensors.torch import load_file, save_file

from generation.library import weights
from generation.library.register import register
from generation.media.files import hash_file
from generation.models import Device, Job, ModelCard
from generation.pipelines.resident import ResidentModels
from generation.specs import Lora
from generation.states import Status
from generation.worker.runner import Worker
from tests.conftest import TOON
from tests.generation.media.png_files import read_provenance
from tests.generation.watched import WatchedModel

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("media")]

Submit = Callable[..., Job]
UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture
def card(toon: ModelCard, toon_copy: Path) -> ModelCard:
    """The demo model, registered in a folder of its own."""
    register(toon_copy, "toon")
    toon.refresh_from_db()
    return toon


@pytest.fixture
def run(device: Device, submit: Submit) -> Callable[[], Job]:
    """Render with a worker that has just started."""

    def run_job() -> Job:
        job = submit()
        models = ResidentModels(torch.device("cpu"), torch.float32, 10**9)
        assert Worker(device, models).drain() == 1
        job.refresh_from_db()
        return job

    return run_job


def train_on(path: Path, *, keep_time: bool = False) -> None:
    """Change one number of the weights; the size stays."""
    before = path.stat()
    tensors = load_file(path)
    next(iter(tensors.values())).view(-1)[0] += 1.0
    save_file(tensors, path, {"format": "pt"})
    if keep_time:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def model_hash(job: Job) -> str:
    with default_storage.open(job.outputs.get().file.name) as stored:
        return str(read_provenance(stored.read())["model_hash"])


def test_changed_weights_are_not_rendered_with_until_a_lead_accepts_them(
    card: ModelCard, run: Callable[[], Job]
) -> None:
    before = run()
    train_on(card.path / UNET)

    refused = run()

    card.refresh_from_db()
    assert (refused.status, refused.error_code) == (Status.FAILED, "model_changed")
    assert UNET in refused.error_message
    assert str(card.path) not in refused.error_message
    assert card.changed_at is not None
    register(card.path, "toon")
    after = run()
    card.refresh_from_db()
    assert after.status == Status.COMPLETED
    assert card.changed_at is None
    assert model_hash(after) == card.weights_hash != model_hash(before)


@pytest.mark.parametrize("change", ["config", "added", "removed"])
def test_another_configuration_is_another_model(
    change: str, card: ModelCard, run: Callable[[], Job]
) -> None:
    if change == "config":
        path = card.path / "scheduler" / "scheduler_config.json"
        path.write_text(path.read_text().replace("scaled_linear", "linear") + " ")
    elif change == "added":
        shutil.copy(card.path / UNET, card.path / "unet" / "diffusion_pytorch_model.2.safetensors")
    else:
        (card.path / "tokenizer" / "tokenizer_config.json").unlink()

    assert run().error_code == "model_changed"


def test_files_that_were_only_touched_are_read_once(
    card: ModelCard, run: Callable[[], Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    os.utime(card.path / UNET)
    read: list[Path] = []
    real = weights._hash
    monkeypatch.setattr(
        weights, "_hash", lambda path, check: read.append(path) or real(path, check)
    )

    assert [run().status, run().status] == [Status.COMPLETED] * 2

    assert read == [card.path / UNET]
    card.refresh_from_db()
    assert card.recorded_files[UNET]["mtime_ns"] == (card.path / UNET).stat().st_mtime_ns
    assert card.changed_at is None


def test_files_that_are_put_back_are_the_model_again(
    card: ModelCard, run: Callable[[], Job], tmp_path: Path
) -> None:
    shutil.copy2(card.path / UNET, tmp_path / "backup")
    train_on(card.path / UNET)
    assert run().error_code == "model_changed"
    shutil.copy2(tmp_path / "backup", card.path / UNET)

    assert run().status == Status.COMPLETED

    card.refresh_from_db()
    assert card.changed_at is None


def test_a_card_from_before_files_were_recorded_gets_them_at_its_first_load(
    card: ModelCard, run: Callable[[], Job]
) -> None:
    ModelCard.objects.update(recorded_files={})
    assert run().status == Status.COMPLETED
    card.refresh_from_db()
    assert card.recorded_files == weights.read(card.path).files

    ModelCard.objects.update(recorded_files={})
    train_on(card.path / UNET, keep_time=True)

    assert run().error_code == "model_changed"


def test_the_base_of_a_motion_adapter_is_checked_too(
    card: ModelCard, toon_motion: ModelCard
) -> None:
    train_on(card.path / UNET)

    with pytest.raises(weights.ModelChanged, match="files of toon changed"):
        weights.verify(ModelCard.objects.select_related("base").get(slug="toon-motion"))


def test_the_doctor_names_a_model_that_changed(card: ModelCard) -> None:
    train_on(card.path / UNET)
    said = io.StringIO()

    call_command("doctor", stdout=said)

    assert "Model toon: " in said.getvalue()
    card.refresh_from_db()
    assert card.changed_at is not None


def test_a_lora_that_is_not_what_was_uploaded_is_not_rendered_with(
    watched: WatchedModel, device: Device, models: ResidentModels, submit: Submit
) -> None:
    name = default_storage.save("loras/mika.safetensors", ContentFile(b"of another person"))
    uploaded = hash_file(TOON / "model_index.json")
    job = submit(loras=(Lora(file=name, sha256=uploaded),))

    Worker(device, models).drain()

    job.refresh_from_db()
    assert (job.status, job.error_code) == (Status.FAILED, "model_changed")
    assert "Upload it again" in job.error_hint
