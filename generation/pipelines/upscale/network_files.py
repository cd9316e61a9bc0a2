"""Reading an upscaling network from a `.safetensors` file.

That holds only numbers and names; files that could run something (pickles: .pth, .pt, .ckpt) are
never opened. ncnn's `.param` with its `.bin` is converted first, by `convert`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file

from generation.errors import ModelMissing, ModelUnreadable
from generation.pipelines.model_files import shapes_of
from generation.pipelines.upscale.methods import files_of
from generation.pipelines.upscale.networks import (
    CompactPlan,
    Plan,
    ResidualPlan,
    RRDBNet,
    SRVGGNetCompact,
)

SUFFIXES = (".param", ".safetensors")
"""Of the files that a network can come in; a `.param` is converted first."""
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

PLAN_KEY = "upscaling_network"
"""Metadata of converted files: the plan as JSON, with the name of the network."""
PLANS: dict[str, type[CompactPlan] | type[ResidualPlan]] = {
    "SRVGGNetCompact": CompactPlan,
    "RRDBNet": ResidualPlan,
}


def read_factor(path: Path) -> int:
    """How much the network in a file enlarges, without reading its weights.

    Raises ModelMissing or ModelUnreadable.
    """
    with _readable(path):
        return _factor(_plan(path))


def read_network(path: Path) -> SRVGGNetCompact | RRDBNet:
    """The network with its weights, float32, on the CPU. Raises ModelMissing or ModelUnreadable."""
    with _readable(path):
        weights = {name: weight.float() for name, weight in load_file(path).items()}
        return assemble(_plan(path), weights)


def assemble(plan: Plan, weights: dict[str, torch.Tensor]) -> SRVGGNetCompact | RRDBNet:
    """The network of a plan with these weights, ready to run.

    Raises ValueError or RuntimeError for weights that do not fit, are not finite, or enlarge by no
    whole number.
    """
    _factor(plan)
    with torch.device("meta"):
        network = plan.network()
    if not all(weight.isfinite().all() for weight in weights.values()):
        raise ValueError("some of its weights are not finite")
    network.load_state_dict(weights, assign=True)
    return network.eval().requires_grad_(False)


def plan_metadata(plan: Plan) -> dict[str, str]:
    """Metadata that says which network a file's weights are of."""
    name = next(name for name, kind in PLANS.items() if isinstance(plan, kind))
    return {PLAN_KEY: json.dumps({"network": name, **asdict(plan)})}


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Say what is wrong with a file, and what would be right, as a RenderError."""
    for file in files_of(path):
        if not file.is_file():
            raise ModelMissing(f"The upscaling weights {file.name} are not there.", ALLOWED)
    try:
        yield
    except WRONG as problem:
        raise ModelUnreadable(f"{path.name} cannot be used: {problem}", ALLOWED) from problem


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    if path.suffix != ".safetensors":
        raise ModelUnreadable(f"{path.name} is no file of upscaling weights.", ALLOWED)
    with explained(path):
        yield


def _plan(path: Path) -> Plan:
    """The plan in the file's metadata, else the one that its weights' shapes need."""
    with safe_open(path, framework="numpy") as weights:
        written = (weights.metadata() or {}).get(PLAN_KEY)
    if written is not None:
        fields = json.loads(written)
        return PLANS[fields.pop("network")](**fields)
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
