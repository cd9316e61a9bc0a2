"""Runs a network over a picture of any size, tile by tile.

Each tile is cut with a margin as wide as the network's receptive field reaches, and the margin is
dropped from the result. So the tiles meet without a seam, and memory is bounded by one tile.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image
from torch.nn.utils import convert_conv2d_weight_memory_format

from generation.errors import RenderError
from generation.pipelines.upscale.networks import RRDBNet, SRVGGNetCompact

TILE = 256
"""The longest side of a tile, in pixels of the small picture, without its margins."""
GRID = 4
"""Tiles and margins begin at multiples of this, so that pixel unshuffling sees no shift."""

Span = tuple[int, int]


class TiledNetwork:
    """An upscaling network on its device."""

    def __init__(
        self,
        network: SRVGGNetCompact | RRDBNet,
        factor: int,
        device: torch.device,
        dtype: torch.dtype,
        tile: int = TILE,
    ) -> None:
        """`factor` may be smaller than the network's own: then its pictures are shrunk."""
        self.factor = factor
        self.device = device
        self.dtype = dtype
        self.tile = tile
        self._network = network.to(device, dtype)
        # Faster on CPUs and on tensor cores.
        convert_conv2d_weight_memory_format(self._network, torch.channels_last)
        self._own_factor = int(network.plan.factor)
        self._margin = -(-network.reach // GRID) * GRID
        self.nbytes = sum(weight.numel() * weight.element_size() for weight in network.parameters())

    @torch.inference_mode()
    def upscale(self, picture: Image.Image) -> Image.Image:
        """The picture, `factor` times as large on each side; alpha is dropped.

        Raises RenderError when the network gives values that are not finite.
        """
        pixels = torch.from_numpy(np.array(picture.convert("RGB")))
        height, width, own = picture.height, picture.width, self._own_factor
        large = torch.empty(height * own, width * own, 3, dtype=torch.uint8)
        for rows, input_rows in _tiles(height, self.tile, self._margin):
            for columns, input_columns in _tiles(width, self.tile, self._margin):
                tile = self._enlarge(pixels[slice(*input_rows), slice(*input_columns)])
                inner = tile[
                    _scaled(rows, input_rows[0], own), _scaled(columns, input_columns[0], own)
                ]
                large[_scaled(rows, 0, own), _scaled(columns, 0, own)] = inner
        enlarged = Image.fromarray(large.numpy())
        if own == self.factor:
            return enlarged
        size = (width * self.factor, height * self.factor)
        return enlarged.resize(size, Image.Resampling.LANCZOS)

    def _enlarge(self, pixels: torch.Tensor) -> torch.Tensor:
        """Pixels (h, w, 3) of 0 to 255 to (factor*h, factor*w, 3) on the CPU."""
        small = pixels.permute(2, 0, 1)[None].to(self.device, self.dtype) / 255
        colours = self._network(small.contiguous(memory_format=torch.channels_last))[0].float()
        if not torch.isfinite(colours).all():
            raise RenderError(
                "The upscaler gave values that are no colours.", "Choose another upscaler."
            )
        levels = (colours.clamp(0, 1) * 255).round().to(torch.uint8)
        return levels.permute(1, 2, 0).cpu()


def _tiles(length: int, tile: int, margin: int) -> Iterator[tuple[Span, Span]]:
    """Cut a side into nearly equal spans; yields each span, and the same with its margins."""
    count = -(-length // tile)
    step = -(-length // (count * GRID)) * GRID
    for start in range(0, length, step):
        stop = min(start + step, length)
        yield (start, stop), (max(start - margin, 0), min(stop + margin, length))


def _scaled(span: Span, origin: int, scale: int) -> slice:
    """A span relative to `origin`, `scale` times as large."""
    return slice((span[0] - origin) * scale, (span[1] - origin) * scale)
