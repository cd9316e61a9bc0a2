"""Reads an upscaling network from a `.safetensors` file.

Such files contain only numbers and names. Files that could execute code (pickles: .pth, .pt, .ckpt)
are never opened. `convert` first converts ncnn's `.param` with its `.bin`.
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
from generation.pipelines.loading import unreadable_as
from generation.pipelines.model_files import shapes_of
from generation.pipelines.upscale.methods import COMPACT, RESIDUAL, files_of
from generation.pipelines.upscale.networks import (
    CompactPlan,
    Plan,
    ResidualPlan,
    RRDBNet,
    SRVGGNetCompact,
)

SUFFIXES = (".param", ".safetensors")
"""Suffixes of the files that may contain a network; a `.param` is converted first."""
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
"""Exceptions of the readers for files that are damaged or contain something else."""

PLAN_KEY = "upscaling_network"
"""Metadata key of converted files: the plan as JSON, with the name of the network."""
PLANS: dict[str, type[CompactPlan] | type[ResidualPlan]] = {
    "SRVGGNetCompact": CompactPlan,
    "RRDBNet": ResidualPlan,
}


def read_factor(path: Path) -> int:
    """The enlargement factor of the network in a file, without reading its weights.

    Raises ModelMissing or ModelUnreadable.
    """
    with _readable(path):
        return _factor(_plan(path))


def read_network(path: Path) -> SRVGGNetCompact | RRDBNet:
    """The network with its float32 weights, on the CPU. Raises ModelMissing or ModelUnreadable."""
    with _readable(path):
        weights = {name: weight.float() for name, weight in load_file(path).items()}
        return assemble(_plan(path), weights)


def assemble(plan: Plan, weights: dict[str, torch.Tensor]) -> SRVGGNetCompact | RRDBNet:
    """The network of a plan with these weights, ready to run.

    Raises ValueError or RuntimeError for weights that do not fit, are not finite, or whose factor
    is not a whole number.
    """
    _factor(plan)
    with torch.device("meta"):
        network = plan.network()
    if not all(weight.isfinite().all() for weight in weights.values()):
        raise ValueError("some of its weights are not finite")
    network.load_state_dict(weights, assign=True)
    return network.eval().requires_grad_(False)


def plan_metadata(plan: Plan) -> dict[str, str]:
    """Metadata that records the plan of the network in a file."""
    name = next(name for name, kind in PLANS.items() if isinstance(plan, kind))
    return {PLAN_KEY: json.dumps({"network": name, **asdict(plan)})}


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the exceptions of reading a file into a RenderError with the reason and a hint."""
    for file in files_of(path):
        if not file.is_file():
            raise ModelMissing(f"The upscaling weights {file.name} are not there.", ALLOWED)
    with unreadable_as(ModelUnreadable, f"{path.name} cannot be used", ALLOWED, WRONG):
        yield


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    if path.suffix != ".safetensors":
        raise ModelUnreadable(f"{path.name} is no file of upscaling weights.", ALLOWED)
    with explained(path):
        yield


def _plan(path: Path) -> Plan:
    """The plan in the file's metadata, or else the plan that fits the shapes of its weights."""
    with safe_open(path, framework="numpy") as weights:
        recorded = (weights.metadata() or {}).get(PLAN_KEY)
    if recorded is not None:
        fields = json.loads(recorded)
        return PLANS[fields.pop("network")](**fields)
    shapes = shapes_of(path)
    if RESIDUAL in shapes:
        return ResidualPlan.of_shapes(shapes)
    if COMPACT in shapes:
        return CompactPlan.of_shapes(shapes)
    raise ValueError("its names are those of neither SRVGGNetCompact nor RRDBNet")


def _factor(plan: Plan) -> int:
    factor = int(plan.factor)
    if factor != plan.factor or factor < 2:
        raise ValueError(f"it enlarges by {plan.factor:g}, not by a whole number above one")
    return factor
