"""Loading a folder in diffusers' layout, and the errors when it cannot be loaded."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from generation.errors import ModelMissing, ModelUnreadable, RenderError
from generation.pipelines.families.stable_diffusion.pipeline import StableDiffusion
from generation.pipelines.model_files import ModelFiles
from generation.pipelines.registry import load

CPU = torch.device("cpu")


def test_a_family_is_found_by_its_name(toon_files: ModelFiles, toon_copy: Path) -> None:
    loaded = load(replace(toon_files, folder=toon_copy), CPU, torch.float32)

    assert isinstance(loaded, StableDiffusion)
    weights = sum(path.stat().st_size for path in toon_copy.rglob("*.safetensors"))
    assert loaded.nbytes > weights / 2


def test_a_family_without_a_pipeline_is_refused(toon_files: ModelFiles) -> None:
    with pytest.raises(ModelUnreadable, match="cave-painting"):
        load(replace(toon_files, family="cave-painting"), CPU, torch.float32)


def test_a_missing_folder_is_reported(toon_files: ModelFiles, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="toon"):
        StableDiffusion(replace(toon_files, folder=tmp_path / "gone"), CPU, torch.float32)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "an index that is no JSON": lambda folder: (folder / "model_index.json").write_text("{"),
    "an index that names no class": lambda folder: (folder / "model_index.json").write_text("{}"),
    "no scheduler": lambda folder: shutil.rmtree(folder / "scheduler"),
    "no tokenizer": lambda folder: shutil.rmtree(folder / "tokenizer"),
    "no unet": lambda folder: shutil.rmtree(folder / "unet"),
    "a config that is no JSON": lambda folder: (folder / "vae" / "config.json").write_text("{"),
    "weights in pickle only": lambda folder: next((folder / "unet").glob("*.safetensors")).rename(
        folder / "unet" / "diffusion_pytorch_model.bin"
    ),
    "a damaged preview map": lambda folder: (folder / "preview.safetensors").write_bytes(b"half"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_refused(damage: str, toon_copy: Path, toon_files: ModelFiles) -> None:
    DAMAGES[damage](toon_copy)

    with pytest.raises(ModelUnreadable, match="toon cannot be loaded"):
        StableDiffusion(replace(toon_files, folder=toon_copy), CPU, torch.float32)


def test_values_that_are_not_finite_raise_an_error(
    pipeline: StableDiffusion,
) -> None:
    with pytest.raises(RenderError, match="no colours") as refusal:
        next(pipeline.decode(torch.full((1, 4, 16, 16), float("nan"))))

    assert "guidance" in refusal.value.hint
