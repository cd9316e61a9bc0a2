"""Tiles of a picture leave no seam, and memory does not grow with the picture."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from generation.errors import RenderError
from generation.pipelines.upscale.convert import as_safetensors
from generation.pipelines.upscale.network_files import read_network as read_safetensors
from generation.pipelines.upscale.networks import (
    CompactPlan,
    ResidualPlan,
    RRDBNet,
    SRVGGNetCompact,
)
from generation.pipelines.upscale.tiles import TiledNetwork
from generation.pipelines.upscale.upscale import UPSCALERS

CPU = torch.device("cpu")
ANIME_VIDEO = UPSCALERS["realesr-animevideov3"]
ANIME_STILL = UPSCALERS["realesrgan-x4plus-anime"]


def read_network(param: Path) -> SRVGGNetCompact | RRDBNet:
    """The network as a render reads it: converted into a new folder, then loaded from there."""
    with TemporaryDirectory() as folder:
        return read_safetensors(as_safetensors(param, Path(folder)))


def shapes_and_lines(width: int, height: int) -> Image.Image:
    """Flat discs with hard edges and a thin grid, the same on every call."""
    rows, columns = np.mgrid[:height, :width]
    pixels = np.full((height, width, 3), (240, 220, 200))
    for number in range(12):
        x, y = (number * 47) % width, (number * 31) % height
        inside = (columns - x) ** 2 + (rows - y) ** 2 < (8 + number) ** 2
        pixels[inside] = (number * 20, 255 - number * 17, (number * 90) % 256)
    pixels[(rows % 23 == 0) | (columns % 29 == 0)] = (40, 20, 30)
    return Image.fromarray(pixels.astype(np.uint8))


def difference(one: Image.Image, other: Image.Image) -> np.ndarray:
    return np.abs(np.asarray(one).astype(int) - np.asarray(other))


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("size", [(70, 50), (33, 65)])
def test_the_fast_network_in_tiles_differs_only_by_rounding(
    factor: int, size: tuple[int, int]
) -> None:
    network = read_network(ANIME_VIDEO.path(factor))
    picture = shapes_and_lines(*size)

    whole = TiledNetwork(network, factor, CPU, torch.float32).upscale(picture)
    pieces = TiledNetwork(network, factor, CPU, torch.float32, tile=24).upscale(picture)

    assert whole.size == (size[0] * factor, size[1] * factor)
    assert difference(whole, pieces).max() <= 1, "one level only where a value lies on a half"
    assert (difference(whole, pieces) > 0).mean() < 0.001


def test_the_dense_network_in_tiles_differs_by_at_most_a_grey_level() -> None:
    network = read_network(ANIME_STILL.path(4))
    picture = shapes_and_lines(132, 24)

    whole = TiledNetwork(network, 4, CPU, torch.float32).upscale(picture)
    pieces = TiledNetwork(network, 4, CPU, torch.float32, tile=66).upscale(picture)

    assert difference(whole, pieces).max() <= 1
    assert difference(whole, pieces).mean() < 0.01


@pytest.mark.parametrize("size", [(1, 1), (3, 90), (41, 37)])
@pytest.mark.parametrize(
    "plan",
    [
        CompactPlan(width=4, depth=2, shuffle=4, shrink=0.5),
        ResidualPlan(width=4, growth=2, blocks=1, unshuffle=2),
    ],
)
def test_any_size_is_upscaled_completely(
    plan: CompactPlan | ResidualPlan, size: tuple[int, int]
) -> None:
    torch.manual_seed(0)
    network = plan.network().eval()
    picture = shapes_and_lines(*size)

    whole = TiledNetwork(network, 2, CPU, torch.float32).upscale(picture)
    pieces = TiledNetwork(network, 2, CPU, torch.float32, tile=16).upscale(picture)

    assert whole.size == (size[0] * 2, size[1] * 2)
    assert difference(whole, pieces).max() <= 1


class LargestTensor(TorchDispatchMode):
    """Watches every operation and keeps the size of the largest floating point tensor."""

    nbytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and result.is_floating_point():
            self.nbytes = max(self.nbytes, result.untyped_storage().nbytes())
        return result


def largest_tensor(side: int) -> int:
    upscaler = TiledNetwork(
        CompactPlan(width=32, depth=2, shuffle=4).network(), 4, CPU, torch.float32, tile=64
    )
    with LargestTensor() as watched:
        upscaler.upscale(shapes_and_lines(side, side))
    return watched.nbytes


def test_memory_is_bounded_by_a_tile_and_not_by_the_picture() -> None:
    one_piece, with_margins = largest_tensor(64), largest_tensor(192)

    # The reach of four convolutions on either side.
    assert one_piece < with_margins <= one_piece * (72 / 64) ** 2
    assert largest_tensor(320) == with_margins


class Constant(nn.Module):
    """A network that returns a constant."""

    def __init__(self, value: float) -> None:
        super().__init__()
        self.plan = CompactPlan(width=1, depth=0, shuffle=2)
        self.reach = 2
        self.value = value

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        height, width = pictures.shape[-2:]
        return torch.full((1, 3, height * 2, width * 2), self.value)


@pytest.mark.parametrize(
    ("value", "level"),
    [(-0.3, 0), (1.7, 255), (0.4999 / 255, 0), (99.6 / 255, 100), (99.4 / 255, 99)],
)
def test_values_are_rounded_and_kept_within_the_colours(value: float, level: int) -> None:
    upscaler = TiledNetwork(Constant(value), 2, CPU, torch.float32)  # type: ignore[arg-type]

    assert upscaler.upscale(shapes_and_lines(5, 4)).getextrema() == ((level, level),) * 3


def test_values_that_are_not_finite_are_reported() -> None:
    upscaler = TiledNetwork(Constant(float("nan")), 2, CPU, torch.float32)  # type: ignore[arg-type]

    with pytest.raises(RenderError, match="no colours"):
        upscaler.upscale(shapes_and_lines(5, 4))


def test_red_stays_red_and_alpha_is_dropped() -> None:
    upscaler = TiledNetwork(read_network(ANIME_VIDEO.path(2)), 2, CPU, torch.float32)

    red, green, blue = upscaler.upscale(Image.new("RGBA", (40, 40), (220, 30, 60, 9))).getpixel(
        (40, 40)
    )

    assert (abs(red - 220), abs(green - 30), abs(blue - 60)) < (8, 8, 8)


def test_half_precision_gives_nearly_the_same_picture() -> None:
    picture = shapes_and_lines(48, 40)
    full, half = (
        TiledNetwork(read_network(ANIME_VIDEO.path(4)), 4, CPU, dtype)
        for dtype in (torch.float32, torch.bfloat16)
    )

    assert difference(full.upscale(picture), half.upscale(picture)).mean() < 3
    assert half.nbytes == full.nbytes / 2


@pytest.mark.gpu
@pytest.mark.parametrize("method", [ANIME_VIDEO, ANIME_STILL])
def test_a_cuda_device_gives_nearly_the_same_picture(method: Any) -> None:
    picture = shapes_and_lines(300, 64)
    here = TiledNetwork(read_network(method.path(4)), 4, CPU, torch.float32).upscale(picture)

    for dtype, off in ((torch.float32, 0.1), (torch.float16, 1.0)):
        there = TiledNetwork(read_network(method.path(4)), 4, torch.device("cuda"), dtype)
        assert difference(here, there.upscale(picture)).mean() < off
