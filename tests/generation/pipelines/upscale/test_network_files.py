"""Upscaling networks in safetensors, and file types that are never opened."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from generation.errors import ModelMissing, ModelUnreadable
from generation.pipelines.upscale.convert import as_safetensors
from generation.pipelines.upscale.network_files import read_factor, read_network
from generation.pipelines.upscale.networks import CompactPlan, Plan, ResidualPlan
from generation.pipelines.upscale.upscale import UPSCALERS

SMALL_COMPACT = CompactPlan(width=8, depth=3, shuffle=2)
SMALL_RESIDUAL = ResidualPlan(width=8, growth=4, blocks=2)


def saved(network: nn.Module, path: Path, dtype: torch.dtype = torch.float32) -> Path:
    weights = {name: weight.to(dtype) for name, weight in network.state_dict().items()}
    save_file(weights, path)
    return path


@pytest.mark.parametrize("name", ["realesr-animevideov3", "realesrgan-x4plus-anime"])
def test_a_real_network_is_the_same_from_safetensors(name: str, tmp_path: Path) -> None:
    network = read_network(as_safetensors(UPSCALERS[name].path(4), tmp_path))

    again = read_network(saved(network, tmp_path / "again.safetensors"))

    assert again.plan == network.plan
    weights = network.state_dict()
    assert all(torch.equal(weight, weights[key]) for key, weight in again.state_dict().items())


@pytest.mark.parametrize(
    ("plan", "factor"),
    [
        (SMALL_COMPACT, 2),
        (CompactPlan(width=16, depth=1, shuffle=4), 4),
        (SMALL_RESIDUAL, 4),
        (ResidualPlan(width=8, growth=4, blocks=1, unshuffle=2), 2),
    ],
)
@torch.inference_mode()
def test_depth_width_and_factor_are_derived_from_the_weights(
    plan: Plan, factor: int, tmp_path: Path
) -> None:
    path = saved(plan.network(), tmp_path / "some.safetensors", torch.float16)

    network = read_network(path)

    assert network.plan == plan
    assert read_factor(path) == factor
    assert {weight.dtype for weight in network.parameters()} == {torch.float32}
    assert network(torch.rand(1, 3, 7, 5)).shape == (1, 3, 7 * factor, 5 * factor)


def without_slopes(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: weight for name, weight in weights.items() if name != "body.1.weight"}


def with_more(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {**weights, "body.99.extra": torch.zeros(1)}


def with_other_shape(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {**weights, "body.2.weight": torch.zeros(8, 4, 3, 3)}


def with_nan(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {**weights, "body.0.bias": torch.full((8,), float("nan"))}


def with_old_names(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {f"model.{name}": weight for name, weight in weights.items()}


@pytest.mark.parametrize(
    "change", [without_slopes, with_more, with_other_shape, with_nan, with_old_names]
)
def test_weights_that_do_not_fit_are_refused(change: object, tmp_path: Path) -> None:
    path = tmp_path / "wrong.safetensors"
    assert callable(change)
    save_file(change(SMALL_COMPACT.network().state_dict()), path)

    with pytest.raises(ModelUnreadable, match=r"wrong\.safetensors cannot be used") as refused:
        read_network(path)

    assert "SRVGGNetCompact or RRDBNet" in refused.value.hint


@pytest.mark.parametrize("plan", [CompactPlan(4, 1, 1), ResidualPlan(4, 2, 1, unshuffle=4)])
def test_a_network_that_does_not_enlarge_is_refused(plan: Plan, tmp_path: Path) -> None:
    path = saved(plan.network(), tmp_path / "clean.safetensors")

    with pytest.raises(ModelUnreadable, match="enlarges by 1"):
        read_network(path)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    path = saved(SMALL_RESIDUAL.network(), tmp_path / "cut.safetensors")
    path.write_bytes(path.read_bytes()[:-100])

    with pytest.raises(ModelUnreadable, match=r"cut\.safetensors"):
        read_factor(path)


@pytest.mark.parametrize("name", ["weights.pth", "weights.pt", "weights.ckpt", "weights"])
def test_a_pickle_is_never_opened(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    torch.save(SMALL_COMPACT.network().state_dict(), path)

    with pytest.raises(ModelUnreadable, match=name):
        read_network(path)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"gone\.safetensors"):
        read_network(tmp_path / "gone.safetensors")
