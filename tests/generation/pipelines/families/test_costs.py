"""A model's cost is counted from its configuration: no weight is read, nothing is computed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from generation.pipelines.costs import Costs
from generation.pipelines.families.stable_diffusion.costs import TOKENS
from generation.pipelines.flops import SIDES
from generation.pipelines.model_files import ModelFiles
from generation.pipelines.registry import count_costs as count
from tests.conftest import TOON


def copied(source: Path, target: Path, parts: tuple[str, ...]) -> Path:
    """A folder with only the configurations of a model, so that no weight can be read."""
    for part in parts:
        (target / part).mkdir(parents=True, exist_ok=True)
        shutil.copy(source / part / "config.json", target / part / "config.json")
    return target


@pytest.fixture(scope="module")
def toon(tmp_path_factory: pytest.TempPathFactory) -> ModelFiles:
    folder = copied(TOON, tmp_path_factory.mktemp("toon"), ("unet", "vae"))
    return ModelFiles("toon", "stable-diffusion", folder, "0" * 64)


@pytest.fixture(scope="module")
def toon_motion(toon: ModelFiles, tmp_path_factory: pytest.TempPathFactory) -> ModelFiles:
    folder = copied(TOON.with_name("toon-motion"), tmp_path_factory.mktemp("motion"), ("",))
    return ModelFiles("toon-motion", "animatediff", folder, "1" * 64, base=toon)


@pytest.fixture(scope="module")
def still(toon: ModelFiles) -> Costs:
    return count(toon)


@pytest.fixture(scope="module")
def moving(toon_motion: ModelFiles) -> Costs:
    return count(toon_motion)


def built(folder: Path) -> Any:
    """A part of a model without weights, built by diffusers itself."""
    import diffusers

    config = json.loads((folder / "config.json").read_text())
    with torch.device("meta"):
        return getattr(diffusers, config["_class_name"]).from_config(config).eval()


def counted(model: Any, *inputs: torch.Tensor, **more: torch.Tensor) -> float:
    """FLOPs of one call, by torch's counter."""
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        model(*inputs, **more)
    return float(counter.get_total_flops())


def meta(*size: int) -> torch.Tensor:
    return torch.empty(*size, device="meta")


@pytest.mark.parametrize("side", [8, 24, 48, 96])
def test_the_polynomial_agrees_with_a_count_at_other_sizes(
    side: int, toon: ModelFiles, still: Costs
) -> None:
    assert side not in SIDES
    unet, vae = built(toon.folder / "unet"), built(toon.folder / "vae")
    words = meta(1, TOKENS, unet.config.cross_attention_dim)

    forward = counted(unet, meta(1, 4, side, side), meta(1), encoder_hidden_states=words)
    decode = counted(vae.decode, meta(1, 4, side, side))

    assert still.evaluation(side**2, 1) == pytest.approx(forward, rel=0.02)
    assert still.decoding(side**2) == pytest.approx(decode, rel=0.02)


@pytest.mark.parametrize(("side", "frames"), [(16, 16), (24, 8), (48, 2), (32, 1)])
def test_the_polynomial_of_a_clip_agrees_at_other_sizes_and_lengths(
    side: int, frames: int, toon: ModelFiles, toon_motion: ModelFiles, moving: Costs
) -> None:
    from diffusers import UNetMotionModel

    unet, adapter = built(toon.folder / "unet"), built(toon_motion.folder)
    with torch.device("meta"):
        model = UNetMotionModel.from_unet2d(unet, adapter).to("meta")
    words = meta(frames, TOKENS, unet.config.cross_attention_dim)

    forward = counted(model, meta(1, 4, frames, side, side), meta(1), encoder_hidden_states=words)

    assert moving.evaluation(side**2, frames) == pytest.approx(forward, rel=0.02)


def test_motion_costs_more_than_the_frames_alone(still: Costs, moving: Costs) -> None:
    assert moving.evaluation(256, 8) > 8 * still.evaluation(256, 1)
    assert moving.evaluation(256, 16) > 2 * moving.evaluation(256, 8)
    assert moving.decode == still.decode


def test_costs_survive_json(moving: Costs) -> None:
    assert Costs.from_json(json.loads(json.dumps(moving.as_json()))) == moving


def test_a_model_that_cannot_be_counted_costs_as_much_as_stable_diffusion() -> None:
    """A forward of Stable Diffusion 1.5 at 512x512 is about 0.8 teraflops, multiply and add."""
    familiar = Costs.from_json({})

    assert 0.5e12 < familiar.evaluation(64**2, 1) < 1.5e12
    assert familiar.evaluation(64**2, 4) == pytest.approx(4 * familiar.evaluation(64**2, 1))
    assert 1e12 < familiar.decoding(64**2) < 5e12


def test_a_folder_without_a_model_is_refused_and_the_log_level_of_diffusers_restored(
    tmp_path: Path,
) -> None:
    from diffusers.utils import logging

    before = logging.get_verbosity()
    toon = ModelFiles("toon", "stable-diffusion", copied(TOON, tmp_path, ("unet", "vae")), "0" * 64)
    config = toon.folder / "unet" / "config.json"
    broken = json.loads(config.read_text()) | {"block_out_channels": 3}

    for text in ("no JSON", json.dumps(broken)):
        config.write_text(text)
        with pytest.raises((OSError, ValueError, TypeError)):
            count(toon)
    config.unlink()
    with pytest.raises(OSError, match="No such file"):
        count(toon)
    assert logging.get_verbosity() == before
