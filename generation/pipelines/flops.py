"""Counts the floating point operations of a model's parts, from their configuration alone.

The parts are built on torch's meta device, where nothing is computed and weights take no memory,
and torch's own counter adds up the multiplications of a forward. The cost of a forward is a
polynomial in the number of latents, so a few counts determine it for every size.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

SIDES = (16, 32, 64)
"""Latents per side of the forwards that are counted: three sizes for three coefficients."""


def build(folder: Path) -> Any:
    """A model's part without weights, built from its config.json.

    Raises OSError, ValueError or TypeError when it cannot be built.
    """
    import diffusers

    config = json.loads((folder / "config.json").read_text())
    kind = getattr(diffusers, config["_class_name"])
    with torch.device("meta"), quiet():
        return kind.from_config(config).eval()


def empty(*size: int) -> torch.Tensor:
    """A tensor on the meta device."""
    return torch.empty(*size, device="meta")


def counted(forward: Callable[[], object]) -> float:
    """FLOPs of a call of `forward`."""
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        forward()
    return float(counter.get_total_flops())


def three_terms(flops: Callable[[int], float]) -> tuple[float, float, float]:
    """Coefficients of the parabola in the number of latents through the counts at SIDES; none is
    negative."""
    places = [side**2 for side in SIDES]
    rows = torch.tensor([[1.0, n, n**2] for n in places], dtype=torch.float64)
    counts = torch.tensor([flops(side) for side in SIDES], dtype=torch.float64)
    fixed, linear, square = torch.linalg.solve(rows, counts).clamp(min=0.0).tolist()
    return fixed, linear, square


def two_terms(flops: Callable[[int], float]) -> tuple[float, float]:
    """Coefficients of a parabola through 0, from the counts at the first two SIDES."""
    small, large = (side**2 for side in SIDES[:2])
    first, second = (flops(side) for side in SIDES[:2])
    square = max(0.0, (second / large - first / small) / (large - small))
    return first / small - square * small, square


@contextmanager
def quiet() -> Iterator[None]:
    """Silence diffusers' warnings about configurations: the load itself repeats them."""
    from diffusers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)
