"""Registering a folder of weights, and the reasons for refusing a folder."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
import torch
from django.core.management import CommandError, call_command
from safetensors.torch import load_file, save_file

from generation.errors import SpecError
from generation.library.register import CARD_FILE, hash_weights, register
from generation.models import ModelCard
from generation.pipelines.registry import load
from tests.conftest import TOON
from tests.generation.tiny_models import save_tiny_adapter, save_tiny_model

pytestmark = pytest.mark.django_db

UNET = "unet/diffusion_pytorch_model.safetensors"


def test_a_folder_becomes_a_card(folder: Path) -> None:
    card = register(folder, "mine", name="My model", width=640)

    card.refresh_from_db()
    assert (card.slug, card.name, card.family) == ("mine", "My model", "stable-diffusion")
    assert (card.width, card.types, card.path) == (640, ["image"], folder)
    assert card.weights_hash == hash_weights(folder)


def test_without_a_name_the_slug_is_the_name(folder: Path) -> None:
    assert register(folder, "mine").name == "mine"


def test_fields_of_the_caller_override_those_of_the_folder(folder: Path) -> None:
    described = {"name": "Its own name", "guidance": 5.0, "family": "ignored"}
    (folder / "genga.json").write_text(json.dumps(described))

    card = register(folder, "mine", guidance=6.0)

    assert (card.name, card.guidance, card.family) == ("Its own name", 6.0, "stable-diffusion")


def test_the_demo_model_is_kept_relative_to_the_project() -> None:
    card = register(TOON, "toon")

    assert card.folder == "fixtures/models/toon"
    assert card.path == TOON


def test_registering_again_updates_the_card(folder: Path) -> None:
    first = register(folder, "mine")
    weights = load_file(folder / UNET)
    save_file({name: weight + 1 for name, weight in weights.items()}, folder / UNET)

    second = register(folder, "mine")

    assert ModelCard.objects.get() == first == second
    assert second.weights_hash != first.weights_hash


def test_only_weights_that_are_loaded_count(tmp_path: Path) -> None:
    """Folders from the hub also contain other precisions and the whole model in one file."""
    toon = register(TOON, "toon")
    folder = shutil.copytree(TOON, tmp_path / "toon")
    unet = folder / "unet" / "diffusion_pytorch_model.safetensors"
    shutil.copy(unet, unet.with_name("diffusion_pytorch_model.fp16.safetensors"))
    shutil.copy(unet, folder / "v1-5-pruned.safetensors")
    shutil.copytree(folder / "text_encoder", folder / "safety_checker")

    card = register(folder, "mine")

    assert card.weights_bytes == toon.weights_bytes
    assert card.parameters == toon.parameters


def test_parameters_are_those_of_the_loaded_model() -> None:
    toon = register(TOON, "toon")
    motion = register(TOON.with_name("toon-motion"), "toon-motion", base="toon")

    whole, animated = (
        load(card.files, torch.device("cpu"), torch.float32) for card in (toon, motion)
    )
    assert toon.all_parameters * 4 == whole.nbytes
    # The adapter's layers also compute tables of positions, which are not weights.
    assert motion.all_parameters * 4 == pytest.approx(animated.nbytes, rel=0.005)


@pytest.mark.parametrize(
    ("base", "code"), [({}, "base_not_named"), ({"base": "gone"}, "base_not_found")]
)
def test_an_adapter_without_its_base_is_refused(
    base: dict[str, str], code: str, tmp_path: Path
) -> None:
    """The folder has no card, which would name the base."""
    adapter = tmp_path / "adapter"
    shutil.copytree(
        TOON.with_name("toon-motion"), adapter, ignore=shutil.ignore_patterns(CARD_FILE)
    )

    with pytest.raises(SpecError) as refusal:
        register(adapter, "mine", **base)

    assert (refusal.value.field, refusal.value.code) == ("base", code)


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (lambda folder: (folder / UNET).write_bytes(b"others"), False),
        (lambda folder: (folder / "unet" / "config.json").write_text("{}"), False),
        (lambda folder: (folder / "unet").rename(folder / "net"), False),
        (lambda folder: (folder / "README.md").write_text("Thank you"), True),
        (lambda folder: (folder / "genga.json").write_text("{}"), True),
        (lambda folder: (folder / "samples.json").mkdir(), True),
        (lambda folder: os.mkfifo(folder / "pipe.txt"), True),
        (lambda folder: (folder / "gone.txt").symlink_to("nowhere"), True),
    ],
    ids=[
        "other weights",
        "another config",
        "another place",
        "a readme",
        "our own card",
        "a folder",
        "a pipe",
        "a link to nothing",
    ],
)
def test_the_hash_covers_the_files_that_determine_the_picture(
    change: Callable[[Path], object], same: bool, folder: Path
) -> None:
    before = hash_weights(folder)

    change(folder)

    assert (hash_weights(folder) == before) is same


def test_the_command_registers_and_reports_it(folder: Path) -> None:
    output = StringIO()

    call_command(
        "register_model", str(folder), slug="mine", name="Mine", default=True, stdout=output
    )

    card = ModelCard.objects.get()
    assert (card.name, card.is_default) == ("Mine", True)
    assert output.getvalue() == f"mine: Mine, 512x512, {folder}\n"


def test_the_command_without_extras_leaves_the_defaults(folder: Path) -> None:
    call_command("register_model", str(folder), slug="mine", stdout=StringIO())

    card = ModelCard.objects.get()
    assert (card.name, card.is_default) == ("mine", False)


def test_the_command_reports_the_reason_and_the_requirement(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"model_index\.json.* Allowed: diffusers' layout\."):
        call_command("register_model", str(tmp_path), slug="mine")


@pytest.mark.parametrize("max_shard", ["1GB", "20KB"], ids=["whole", "in shards"])
def test_weights_of_the_fp16_variant_alone_are_registered_and_loaded(
    max_shard: str, tmp_path: Path
) -> None:
    """As the hub's folders are when only the half precision was downloaded."""
    folder = save_tiny_model(tmp_path / "half", "fp16", max_shard)

    card = register(folder, "half")

    assert not list(folder.rglob("*model.safetensors"))
    loaded = load(card.files, torch.device("cpu"), torch.float32)
    assert card.parameters * 4 == loaded.nbytes
    assert card.weights_bytes > card.parameters * 2


def test_a_folder_of_mixed_variants_is_registered_and_loaded(folder: Path) -> None:
    """Where both are there, the weights that are not rounded are loaded."""
    whole = register(folder, "whole")
    half = save_tiny_model(folder.with_name("half"), "fp16")
    name = "diffusion_pytorch_model.fp16.safetensors"
    shutil.copy(half / "unet" / name, folder / "unet" / name)
    (folder / "vae" / "diffusion_pytorch_model.safetensors").unlink()
    shutil.copy(half / "vae" / name, folder / "vae" / name)

    card = register(folder, "mixed")

    assert card.parameters == whole.parameters
    assert load(card.files, torch.device("cpu"), torch.float32).nbytes == card.parameters * 4


def test_an_adapter_of_the_fp16_variant_is_registered_and_loaded(
    folder: Path, tmp_path: Path
) -> None:
    base = register(folder, "base")

    card = register(save_tiny_adapter(tmp_path / "half", "fp16"), "motion", base="base")

    assert card.base == base
    assert load(card.files, torch.device("cpu"), torch.float32)


def test_an_adapter_takes_as_many_subjects_as_its_base() -> None:
    register(TOON, "toon", max_subjects=2)

    motion = register(TOON.with_name("toon-motion"), "toon-motion", base="toon")

    assert (motion.max_subjects, motion.types) == (2, ["video"])
