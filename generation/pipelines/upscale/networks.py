"""The two upscaling networks of Real-ESRGAN, written from their papers.

SRVGGNetCompact is a plain stack of convolutions that works at the small size and is fast
(Wang et al. 2021, "Real-ESRGAN", arXiv:2107.10833, and its later video models). RRDBNet nests
dense blocks in residuals and is some twenty times slower (Wang et al. 2018, "ESRGAN",
arXiv:1809.00219). The weights have the names of Real-ESRGAN's own files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isqrt

import torch
from torch import nn
from torch.nn import functional

CHANNELS = 3
DENSE_CONVOLUTIONS, DENSE_BLOCKS = 5, 3
RESIDUAL_SCALE = 0.2

Shapes = Mapping[str, tuple[int, ...]]
"""Name of a weight to its shape, as in the header of a safetensors file."""


@dataclass(frozen=True, slots=True)
class CompactPlan:
    """The size of an SRVGGNetCompact.

    `depth` counts the inner convolutions of `width` channels. `shuffle` is the factor of the last
    pixel shuffle, `shrink` that of the bicubic scaling after it. `slope` is that of the leaky ReLU
    (0 for a plain ReLU), or None where each channel has a learned slope (PReLU).
    """

    width: int
    depth: int
    shuffle: int
    shrink: float = 1.0
    slope: float | None = None

    @property
    def factor(self) -> float:
        """The enlargement of the picture on each side."""
        return self.shuffle * self.shrink

    def network(self) -> SRVGGNetCompact:
        """The network without its weights."""
        return SRVGGNetCompact(self)

    @classmethod
    def of_shapes(cls, shapes: Shapes) -> CompactPlan:
        """The plan of weights of these shapes. Raises KeyError or ValueError for other shapes.

        It assumes learned activations: only they have weights and thus appear in the names.
        """
        last = max(int(name.split(".")[1]) for name in shapes)
        width = shapes["body.0.weight"][0]
        shuffle = isqrt(shapes[f"body.{last}.weight"][0] // CHANNELS)
        return cls(width=width, depth=last // 2 - 1, shuffle=shuffle)


@dataclass(frozen=True, slots=True)
class ResidualPlan:
    """The size of an RRDBNet: `blocks` of `width` channels whose dense parts grow by `growth`.

    `unshuffle` pixels per side are first folded into channels, so that the same network enlarges by
    4 (`unshuffle` 1) or by 2 (`unshuffle` 2). `slope` is that of every leaky ReLU.
    """

    width: int
    growth: int
    blocks: int
    unshuffle: int = 1
    slope: float = 0.2

    @property
    def factor(self) -> float:
        """The enlargement of the picture on each side."""
        return 4 / self.unshuffle

    def network(self) -> RRDBNet:
        """The network without its weights."""
        return RRDBNet(self)

    @classmethod
    def of_shapes(cls, shapes: Shapes) -> ResidualPlan:
        """The plan of weights of these shapes. Raises KeyError or ValueError for other shapes."""
        width, folded = shapes["conv_first.weight"][:2]
        return cls(
            width=width,
            growth=shapes["body.0.rdb1.conv1.weight"][0],
            blocks=1 + max(int(name.split(".")[1]) for name in shapes if name.startswith("body.")),
            unshuffle=isqrt(folded // CHANNELS),
        )


Plan = CompactPlan | ResidualPlan


class SRVGGNetCompact(nn.Module):
    """Convolutions with activations, a pixel shuffle, and the enlarged input added at the end."""

    def __init__(self, plan: CompactPlan) -> None:
        super().__init__()
        self.plan = plan
        # Each 3x3 convolution reaches one pixel further, the bicubic shrinking less than one.
        self.reach = plan.depth + 2 + (plan.shrink != 1)
        body: list[nn.Module] = []
        for inputs in (CHANNELS, *[plan.width] * plan.depth):
            body += [_convolution(inputs, plan.width), _activation(plan)]
        self.body = nn.Sequential(*body, _convolution(plan.width, CHANNELS * plan.shuffle**2))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures (B, 3, H, W) in 0..1 to about 0..1 of (B, 3, factor*H, factor*W)."""
        shuffle, shrink = self.plan.shuffle, self.plan.shrink
        details = functional.pixel_shuffle(self.body(pictures), shuffle)
        large = details + functional.interpolate(pictures, scale_factor=shuffle, mode="nearest")
        if shrink == 1:
            return large
        return functional.interpolate(large, scale_factor=shrink, mode="bicubic")


class RRDBNet(nn.Module):
    """Residual-in-residual dense blocks, then two doublings by nearest neighbour."""

    def __init__(self, plan: ResidualPlan) -> None:
        super().__init__()
        self.plan = plan
        # The convolutions together would reach 15 pixels per block. Measured: pixels further away
        # than 48 changed no pixel by more than one grey level of 255 with 6 blocks, two with 23.
        self.reach = 48
        width = plan.width
        self.conv_first = _convolution(CHANNELS * plan.unshuffle**2, width)
        self.body = nn.Sequential(*(_ResidualBlock(plan) for _ in range(plan.blocks)))
        self.conv_body = _convolution(width, width)
        self.conv_up1 = _convolution(width, width)
        self.conv_up2 = _convolution(width, width)
        self.conv_hr = _convolution(width, width)
        self.conv_last = _convolution(width, CHANNELS)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures (B, 3, H, W) in 0..1 to about 0..1 of (B, 3, factor*H, factor*W)."""
        height, width = pictures.shape[-2:]
        unshuffle, slope = self.plan.unshuffle, self.plan.slope
        if unshuffle > 1:
            padding = (0, -width % unshuffle, 0, -height % unshuffle)
            pictures = functional.pad(pictures, padding, mode="replicate")
            pictures = functional.pixel_unshuffle(pictures, unshuffle)
        features = self.conv_first(pictures)
        features = features + self.conv_body(self.body(features))
        for convolution in (self.conv_up1, self.conv_up2):
            features = functional.interpolate(features, scale_factor=2, mode="nearest")
            features = functional.leaky_relu(convolution(features), slope, inplace=True)
        features = functional.leaky_relu(self.conv_hr(features), slope, inplace=True)
        large: torch.Tensor = self.conv_last(features)
        return large[..., : height * 4 // unshuffle, : width * 4 // unshuffle]


class _DenseBlock(nn.Module):
    """Five convolutions; the input of each is the block's input and all outputs before it."""

    def __init__(self, plan: ResidualPlan) -> None:
        super().__init__()
        self.slope = plan.slope
        for number in range(DENSE_CONVOLUTIONS):
            outputs = plan.growth if number < DENSE_CONVOLUTIONS - 1 else plan.width
            convolution = _convolution(plan.width + number * plan.growth, outputs)
            self.add_module(f"conv{number + 1}", convolution)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Features (B, width, H, W) to features of the same shape."""
        *growing, last = self.children()
        seen = features
        for convolution in growing:
            grown = functional.leaky_relu(convolution(seen), self.slope, inplace=True)
            seen = torch.cat([seen, grown], dim=1)
        return features + last(seen) * RESIDUAL_SCALE


class _ResidualBlock(nn.Module):
    """Three dense blocks, and their input added to the result."""

    def __init__(self, plan: ResidualPlan) -> None:
        super().__init__()
        for number in range(DENSE_BLOCKS):
            self.add_module(f"rdb{number + 1}", _DenseBlock(plan))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Features (B, width, H, W) to features of the same shape."""
        changed = features
        for block in self.children():
            changed = block(changed)
        return features + changed * RESIDUAL_SCALE


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel_size=3, padding=1)


def _activation(plan: CompactPlan) -> nn.Module:
    return nn.PReLU(plan.width) if plan.slope is None else nn.LeakyReLU(plan.slope, inplace=True)
