"""A network over a picture of any size, piece by piece.

Each piece is cut with a margin as wide as the network looks, and only what lies inside the margin
is kept: the pieces meet without a seam, and memory is bounded by one piece, not by the picture.
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
"""The longest side of a piece, in pixels of the small picture, without its margins."""
GRID = 4
"""Pieces and margins begin at multiples of this, so that a network's folding sees no shift."""

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
        """`factor` may be smaller than the network's own: its pictures are then shrunk."""
        self.factor = factor
        self.device = device
        self.dtype = dtype
        self.tile = tile
        self._network = network.to(device, dtype)
        # Quicker on CPUs, and what tensor cores want.
        convert_conv2d_weight_memory_format(self._network, torch.channels_last)
        self._own_factor = int(network.plan.factor)
        self._margin = -(-network.reach // GRID) * GRID
        self.nbytes = sum(weight.numel() * weight.element_size() for weight in network.parameters())

    @torch.inference_mode()
    def upscale(self, picture: Image.Image) -> Image.Image:
        """The picture, `factor` times as large on each side; alpha is dropped.

        Raises RenderError when the network gives values that are no colours.
        """
        pixels = torch.from_numpy(np.array(picture.convert("RGB")))
        height, width, own = picture.height, picture.width, self._own_factor
        large = torch.empty(height * own, width * own, 3, dtype=torch.uint8)
        for rows, seen_rows in _pieces(height, self.tile, self._margin):
            for columns, seen_columns in _pieces(width, self.tile, self._margin):
                piece = self._enlarge(pixels[slice(*seen_rows), slice(*seen_columns)])
                inner = piece[
                    _within(rows, seen_rows[0], own), _within(columns, seen_columns[0], own)
                ]
                large[_within(rows, 0, own), _within(columns, 0, own)] = inner
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


def _pieces(length: int, tile: int, margin: int) -> Iterator[tuple[Span, Span]]:
    """A side cut into about equal pieces, each with what is seen of it, margins included."""
    count = -(-length // tile)
    step = -(-length // (count * GRID)) * GRID
    for start in range(0, length, step):
        stop = min(start + step, length)
        yield (start, stop), (max(start - margin, 0), min(stop + margin, length))


def _within(span: Span, origin: int, scale: int) -> slice:
    """Where a span lies in what begins at `origin` and is `scale` times as large."""
    return slice((span[0] - origin) * scale, (span[1] - origin) * scale)
