"""Reading an upscaling network from a file: ncnn's `.param` and `.bin`, or a `.safetensors`.

Both are only numbers and names; files that could run something (pickles: .pth, .pt, .ckpt) are
never opened.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from generation.errors import ModelMissing, ModelUnreadable
from generation.pipelines.model_files import shapes_of
from generation.pipelines.upscale import ncnn
from generation.pipelines.upscale.methods import files_of
from generation.pipelines.upscale.networks import (
    CompactPlan,
    Plan,
    ResidualPlan,
    RRDBNet,
    SRVGGNetCompact,
)

SUFFIXES = (".param", ".safetensors")
ALLOWED = (
    "Use weights of SRVGGNetCompact or RRDBNet: ncnn's .param with its .bin beside it, "
    "or a .safetensors with Real-ESRGAN's names."
)
WRONG = (
    OSError,
    ValueError,
    LookupError,
    ArithmeticError,
    TypeError,
    RuntimeError,
    SafetensorError,
)
"""What reading raises for files that are damaged or hold something else."""


def read_factor(path: Path) -> int:
    """How much the network in a file enlarges, without reading its weights.

    Raises ModelMissing or ModelUnreadable.
    """
    with _told_plainly(path):
        return _factor(_plan(path))


def read_network(path: Path) -> SRVGGNetCompact | RRDBNet:
    """The network with its weights, float32, on the CPU. Raises ModelMissing or ModelUnreadable."""
    with _told_plainly(path):
        plan = _plan(path)
        _factor(plan)
        with torch.device("meta"):
            network = plan.network()
        if path.suffix == ".param":
            shapes = {name: weight.shape for name, weight in network.state_dict().items()}
            weights = ncnn.read_weights(path, shapes)
        else:
            weights = {name: weight.float() for name, weight in load_file(path).items()}
        if not all(weight.isfinite().all() for weight in weights.values()):
            raise ValueError("some of its weights are not finite")
        network.load_state_dict(weights, assign=True)
        return network.eval().requires_grad_(False)


@contextmanager
def _told_plainly(path: Path) -> Iterator[None]:
    """Say what is wrong with a file, and what would be right, as a RenderError."""
    if path.suffix not in SUFFIXES:
        raise ModelUnreadable(f"{path.name} is no file of upscaling weights.", ALLOWED)
    for file in files_of(path):
        if not file.is_file():
            raise ModelMissing(f"The upscaling weights {file.name} are not there.", ALLOWED)
    try:
        yield
    except WRONG as problem:
        raise ModelUnreadable(f"{path.name} cannot be used: {problem}", ALLOWED) from problem


def _plan(path: Path) -> Plan:
    if path.suffix == ".param":
        return ncnn.read_plan(path)
    shapes = shapes_of(path)
    if "conv_first.weight" in shapes:
        return ResidualPlan.of_shapes(shapes)
    if "body.0.weight" in shapes:
        return CompactPlan.of_shapes(shapes)
    raise ValueError("its names are those of neither SRVGGNetCompact nor RRDBNet")


def _factor(plan: Plan) -> int:
    factor = int(plan.factor)
    if factor != plan.factor or factor < 2:
        raise ValueError(f"it enlarges by {plan.factor:g}, not by a whole number above one")
    return factor
