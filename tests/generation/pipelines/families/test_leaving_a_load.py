"""A load can be abandoned between the parts of a model; then nothing of it stays in memory."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from diffusers import MotionAdapter

from generation.errors import CancelRequested
from generation.pipelines import loading
from generation.pipelines.families.animate_diff.pipeline import AnimateDiff
from generation.pipelines.families.stable_diffusion.pipeline import StableDiffusion
from generation.pipelines.loading import is_out_of_memory, read_ahead
from generation.pipelines.model_files import ModelFiles
from generation.pipelines.registry import load
from generation.pipelines.resident import ResidentModels
from generation.specs import RenderSpec

CPU = torch.device("cpu")


class LeaveAt:
    """A check that raises at its call number `number`, counted from 1; 0 never raises."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.calls = 0

    def __call__(self) -> None:
        self.calls += 1
        if self.calls == self.number:
            raise CancelRequested


def weights_in_memory() -> int:
    """Bytes of all parameters that are referenced or wait in cycles for garbage collection."""
    seen = {
        weight.data_ptr(): weight.nbytes
        for weight in gc.get_objects()
        if isinstance(weight, torch.nn.Parameter)
    }
    return sum(seen.values())


@pytest.fixture
def motion_files(toon_files: ModelFiles, toon_copy: Path, tmp_path: Path) -> ModelFiles:
    torch.manual_seed(7)
    MotionAdapter(
        block_out_channels=(64, 128, 192),
        motion_layers_per_block=1,
        motion_mid_block_layers_per_block=1,
        motion_num_attention_heads=4,
        motion_norm_num_groups=16,
    ).save_pretrained(tmp_path / "adapter")
    base = replace(toon_files, folder=toon_copy)
    return ModelFiles("motion", "animatediff", tmp_path / "adapter", "1" * 64, base)


@pytest.fixture
def image_files(toon_files: ModelFiles, toon_copy: Path) -> ModelFiles:
    return replace(toon_files, folder=toon_copy)


def test_a_load_can_be_abandoned_at_each_check(
    models: ResidentModels, motion_files: ModelFiles
) -> None:
    """A motion adapter's load is that of its base model first, then its own."""
    files, never = motion_files, LeaveAt(0)
    load(files, CPU, torch.float32, never)
    gc.collect()
    before = weights_in_memory()
    assert never.calls >= 12

    for number in range(1, never.calls + 1):
        with pytest.raises(CancelRequested) as left:
            models.get(files, check=LeaveAt(number))
        assert models.slugs == []
        assert weights_in_memory() == before, "while the exception is still referenced"
        del left

    assert models.get(files, check=LeaveAt(0)) is models.get(files, check=LeaveAt(1))
    assert models.slugs == [files.slug]


def on_the_gpu() -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def on_the_cpu() -> None:
    torch.empty(2**50)


@pytest.mark.parametrize("run_out", [on_the_gpu, on_the_cpu])
def test_a_load_that_runs_out_of_memory_does_not_call_the_files_damaged(
    run_out: Callable[[], None], models: ResidentModels, motion_files: ModelFiles
) -> None:
    with pytest.raises(RuntimeError) as raised:
        models.get(motion_files, check=run_out)

    assert is_out_of_memory(raised.value)


def test_the_other_models_stay_loaded(
    models: ResidentModels, image_files: ModelFiles, motion_files: ModelFiles
) -> None:
    kept = models.get(image_files)
    with pytest.raises(CancelRequested):
        models.get(motion_files, check=LeaveAt(5))

    assert models.slugs == ["toon"]
    assert models.get(image_files) is kept
    assert isinstance(models.get(motion_files), AnimateDiff)
    assert models.slugs == ["toon", "motion"]


def test_a_load_after_an_abandoned_one_gives_the_same_model(
    models: ResidentModels, image_files: ModelFiles, pipeline: StableDiffusion, spec: RenderSpec
) -> None:
    with pytest.raises(CancelRequested):
        models.get(image_files, check=LeaveAt(6))
    again = models.get(image_files)

    assert torch.equal(
        again.denoise(spec, again.encode(spec, ()), lambda _: None),
        pipeline.denoise(spec, pipeline.encode(spec), lambda _: None),
    )


def test_fitting_a_preview_map_can_be_abandoned(
    image_files: ModelFiles,
) -> None:
    with_map = LeaveAt(0)
    load(image_files, CPU, torch.float32, with_map)
    (image_files.folder / "preview.safetensors").unlink()
    without = LeaveAt(0)
    load(image_files, CPU, torch.float32, without)

    assert without.calls > with_map.calls


def test_weights_are_read_in_chunks_and_variants_are_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "CHUNK_BYTES", 1000)
    (tmp_path / "model.safetensors").write_bytes(bytes(2500))
    (tmp_path / "model.fp16.safetensors").write_bytes(bytes(9000))
    (tmp_path / "config.json").write_text("{}")
    calls: list[int] = []
    check: Callable[[], None] = lambda: calls.append(1)  # noqa: E731

    read_ahead(tmp_path, check)

    assert len(calls) == 3
