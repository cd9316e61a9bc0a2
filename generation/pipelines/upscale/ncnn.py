"""Reads upscaling networks from ncnn's two files, for conversion, without executing anything.

A `.param` is text: a magic number, the counts of layers and blobs, then a line for each layer
with its type, name, inputs, outputs and numbered parameters. The `.bin` beside it contains the
weights in the order of the layers. ncnn's developer guide describes both ("param and model
file structure", "operation param weight table").

The layers of a file are compared with those that the architecture would have. A file that differs
in a single connection or parameter is refused, so no file is partly understood.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from generation.pipelines.upscale.networks import (
    CHANNELS,
    DENSE_BLOCKS,
    DENSE_CONVOLUTIONS,
    RESIDUAL_SCALE,
    CompactPlan,
    Plan,
    ResidualPlan,
)

MAGIC = "7767517"
FLOAT32_TAG, FLOAT16_TAG = 0, 0x01306B47
"""The tag before a convolution's weights; biases and slopes are float32 without a tag."""
NEAREST, BICUBIC = 1, 3
LEAKY_RELU = 2
ARRAY_KEYS = -23300
"""An array with key k is written under ARRAY_KEYS - k, with its length first."""

Value = float | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer; `inputs` are the indices of the layers whose outputs it takes."""

    kind: str
    inputs: tuple[int, ...] = ()
    params: dict[int, Value] = field(default_factory=dict)


def read_plan(param: Path) -> Plan:
    """Read the architecture from a `.param` file.

    Raises ValueError, KeyError or IndexError for other architectures than the two known ones,
    OSError when the file cannot be read.
    """
    return _plan(_read_layers(param.read_text(encoding="utf-8")))


def read_weights(param: Path, shapes: dict[str, torch.Size]) -> dict[str, torch.Tensor]:
    """The float32 weights in the `.bin` beside `param`, under the names of `shapes`.

    `shapes` are those of the plan's network, in the order in which it uses them. Raises ValueError
    when the file does not contain exactly these weights, OSError when it cannot be read.
    """
    data = memoryview(param.with_suffix(".bin").read_bytes())
    weights, start = {}, 0
    for name, shape in shapes.items():
        # Only the weights of convolutions have four axes, and only they have a tag.
        values, start = _read_blob(data, start, shape.numel(), tagged=len(shape) == 4)
        weights[name] = torch.from_numpy(values).reshape(shape)
    if start != len(data):
        raise ValueError(f"the .bin holds {len(data)} bytes and the .param explains {start}")
    return weights


def _read_blob(
    data: memoryview, start: int, count: int, *, tagged: bool
) -> tuple[np.ndarray[tuple[int], np.dtype[np.float32]], int]:
    """`count` numbers from `start` on as float32, and the offset of the next blob."""
    tag = FLOAT32_TAG
    if tagged:
        if start + 4 > len(data):
            raise ValueError("the .bin is shorter than the .param says")
        (tag,) = struct.unpack_from("<I", data, start)
        start += 4
    if tag not in (FLOAT32_TAG, FLOAT16_TAG):
        raise ValueError(f"the .bin holds weights of the kind {tag:#010x}, not float16 or float32")
    kind = np.dtype("<f2" if tag == FLOAT16_TAG else "<f4")
    if start + count * kind.itemsize > len(data):
        raise ValueError("the .bin is shorter than the .param says")
    values = np.frombuffer(data, kind, count, start).astype(np.float32)
    # Every blob begins at a multiple of four bytes.
    return values, start + -(-count * kind.itemsize // 4) * 4


def _read_layers(text: str) -> list[Layer]:
    """The layers in order, without splits: a consumer of a split's output gets its input."""
    magic, counts, *lines = text.split("\n")
    if magic.strip() != MAGIC:
        raise ValueError("it does not begin as an ncnn .param does")
    rows = [line.split() for line in lines if line.strip()]
    if len(rows) != int(counts.split()[0]):
        raise ValueError(f"it announces {counts.split()[0]} layers and holds {len(rows)}")
    layers: list[Layer] = []
    producers: dict[str, int] = {}
    for kind, _, takes, gives, *rest in rows:
        middle, end = int(takes), int(takes) + int(gives)
        inputs = tuple(producers[blob] for blob in rest[:middle])
        if kind == "Split":
            producers.update(dict.fromkeys(rest[middle:end], *inputs))
            continue
        producers.update(dict.fromkeys(rest[middle:end], len(layers)))
        # The parameters of an input only suggest a size.
        words = rest[end:] if kind != "Input" else []
        layers.append(Layer(kind, inputs, dict(_read_param(word) for word in words)))
    return layers


def _read_param(word: str) -> tuple[int, Value]:
    key, _, value = word.partition("=")
    if int(key) > ARRAY_KEYS:
        return int(key), float(value)
    _, *values = value.split(",")
    return ARRAY_KEYS - int(key), tuple(map(float, values))


def _plan(layers: Sequence[Layer]) -> Plan:
    """Guess the plan from a few layers, and accept it only if its network has exactly `layers`."""
    kinds = [layer.kind for layer in layers]
    convolutions = [layer for layer in layers if layer.kind == "Convolution"]
    width = _whole(convolutions[0].params[0])
    plan: Plan
    if "PixelShuffle" in kinds:
        plan = CompactPlan(
            width=width,
            depth=len(convolutions) - 2,
            shuffle=_whole(layers[kinds.index("PixelShuffle")].params[0]),
            shrink=_number(layers[-1].params[1]) if kinds[-1] == "Interp" else 1.0,
            slope=None if "PReLU" in kinds else _slope(convolutions[0]),
        )
        expected = _compact_layers(plan)
    else:
        plan = ResidualPlan(
            width=width,
            growth=_whole(convolutions[1].params[0]),
            blocks=kinds.count("Concat") // ((DENSE_CONVOLUTIONS - 1) * DENSE_BLOCKS),
            slope=_slope(convolutions[1]),
        )
        expected = _residual_layers(plan)
    if expected != layers:
        raise ValueError("its layers are those of neither SRVGGNetCompact nor RRDBNet")
    return plan


def _number(value: Value) -> float:
    if isinstance(value, tuple):
        raise ValueError(f"{value} stands where one number belongs")
    return value


def _whole(value: Value) -> int:
    number = int(_number(value))
    if number != value or number < 1:
        raise ValueError(f"{value} stands where a whole number belongs")
    return number


def _slope(convolution: Layer) -> float:
    """The slope of the leaky ReLU that ncnn merged into the convolution; 0 for a plain ReLU."""
    slopes = convolution.params.get(10, (0.0,))
    if not isinstance(slopes, tuple):
        raise ValueError(f"{slopes} stands where an activation's slope belongs")
    return slopes[0]


class _LayerList:
    """Builds layers as ncnn writes them, in the order in which they are added."""

    def __init__(self) -> None:
        self.layers = [Layer("Input")]

    def add(self, kind: str, *inputs: int, **params: Value) -> int:
        """Add a layer and return its index; a parameter `p5` is ncnn's number 5."""
        numbered = {int(name[1:]): value for name, value in params.items()}
        self.layers.append(Layer(kind, inputs, numbered))
        return len(self.layers) - 1

    def convolution(self, source: int, ins: int, outs: int, slope: float | None = None) -> int:
        """A 3x3 convolution, padded by one, with a bias; `slope` merges an activation into it."""
        merged: dict[str, Value] = {}
        if slope is not None:
            merged = {"p9": LEAKY_RELU, "p10": (slope,)} if slope else {"p9": 1}
        size = ins * outs * 9
        return self.add("Convolution", source, p0=outs, p1=3, p4=1, p5=1, p6=size, **merged)

    def enlarge(self, source: int, kind: int, scale: float) -> int:
        """Resize both sides by `scale`."""
        return self.add("Interp", source, p0=kind, p1=scale, p2=scale)


def _compact_layers(plan: CompactPlan) -> list[Layer]:
    network, last = _LayerList(), 0
    for ins in (CHANNELS, *[plan.width] * plan.depth):
        last = network.convolution(last, ins, plan.width, plan.slope)
        if plan.slope is None:
            last = network.add("PReLU", last, p0=plan.width)
    last = network.convolution(last, plan.width, CHANNELS * plan.shuffle**2)
    last = network.add("PixelShuffle", last, p0=plan.shuffle)
    base = network.enlarge(0, NEAREST, plan.shuffle)
    last = network.add("BinaryOp", last, base)
    if plan.shrink != 1:
        network.enlarge(last, BICUBIC, plan.shrink)
    return network.layers


def _residual_layers(plan: ResidualPlan) -> list[Layer]:
    network, width = _LayerList(), plan.width
    first = last = network.convolution(0, CHANNELS, width)
    for _ in range(plan.blocks):
        block = last
        for _ in range(DENSE_BLOCKS):
            last = _dense_layers(network, last, plan)
        last = network.add("Eltwise", last, block, p0=1, p1=(RESIDUAL_SCALE, 1.0))
    last = network.add("BinaryOp", first, network.convolution(last, width, width))
    for _ in range(2):
        last = network.enlarge(last, NEAREST, 2)
        last = network.convolution(last, width, width, plan.slope)
    last = network.convolution(last, width, width, plan.slope)
    network.convolution(last, width, CHANNELS)
    return network.layers


def _dense_layers(network: _LayerList, source: int, plan: ResidualPlan) -> int:
    outputs, last = [source], source
    for number in range(DENSE_CONVOLUTIONS - 1):
        ins = plan.width + number * plan.growth
        outputs.append(network.convolution(last, ins, plan.growth, plan.slope))
        last = network.add("Concat", *outputs)
    ins = plan.width + (DENSE_CONVOLUTIONS - 1) * plan.growth
    last = network.convolution(last, ins, plan.width)
    return network.add("Eltwise", last, source, p0=1, p1=(RESIDUAL_SCALE, 1.0))
