"""What a model costs: floating point operations, counted from its configuration alone.

The parts are built on torch's meta device, where nothing is computed and no weight takes memory,
and torch's own counter adds up the multiplications of a forward. A forward's cost is a polynomial
in the number of latents, so a few counts tell every size.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from generation.library.costs import Costs
from generation.pipelines.loop.deep_cache import DeepCache
from generation.pipelines.model_files import ModelFiles

SIDES = (16, 32, 64)
"""Latents a side of the forwards that are counted: three sizes for three terms."""
TOKENS = 77
"""Tokens of a prompt as CLIP reads it."""


def count(files: ModelFiles) -> Costs:
    """The costs of a model folder. Raises OSError, ValueError or TypeError for what is none."""
    folder = files.base.folder if files.base else files.folder
    unet, vae = _build(folder / "unet"), _build(folder / "vae")
    alone = _solve(lambda side: _evaluated(unet, side))
    decode = [_decoded(vae, side) for side in SIDES[:2]]
    return Costs(
        evaluate=(*alone, 0.0) if files.base is None else _with_motion(unet, files.folder),
        decode=_two_terms(decode),
        outermost=_outermost(unet),
    )


def _with_motion(unet: Any, folder: Path) -> tuple[float, float, float, float]:
    """The terms of a UNet that looks at several frames."""
    from diffusers.models import UNetMotionModel

    adapter = _build(folder)
    with torch.device("meta"), _quiet():
        moving = UNetMotionModel.from_unet2d(unet, adapter).to("meta")
    side = SIDES[0]
    one, four = (_evaluated(moving, side, frames) for frames in (1, 4))
    # F (alone) + ct n F²: of one frame and of four.
    between = max(0.0, (four - 4 * one) / (12 * side**2))
    fixed, linear, square = _solve(lambda s: _evaluated(moving, s, 1) - between * s**2)
    return fixed, linear, square, between


def _evaluated(unet: Any, side: int, frames: int = 0) -> float:
    """FLOPs of one forward; `frames` 0 for a model of single pictures."""
    size = (1, unet.config.in_channels, *((frames,) if frames else ()), side, side)
    words = _empty(frames or 1, TOKENS, unet.config.cross_attention_dim)
    return _counted(lambda: unet(_empty(*size), _empty(1), encoder_hidden_states=words))


def _outermost(unet: Any) -> float:
    """What an evaluation with kept deep layers costs, as a share of a whole one."""
    layers = DeepCache(unet, interval=2)
    side = SIDES[1]
    words = _empty(1, TOKENS, unet.config.cross_attention_dim)
    latents = _empty(1, unet.config.in_channels, side, side)

    def next_step() -> None:
        layers.next_step()
        layers(latents, _empty(1), encoder_hidden_states=words)

    whole = _counted(next_step)
    return _counted(next_step) / whole


def _decoded(vae: Any, side: int) -> float:
    return _counted(lambda: vae.decode(_empty(1, vae.config.latent_channels, side, side)))


def _counted(forward: Callable[[], object]) -> float:
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        forward()
    return float(counter.get_total_flops())


def _solve(flops: Callable[[int], float]) -> tuple[float, float, float]:
    """Terms of the parabola in the number of latents through the counts at SIDES; none below 0."""
    places = [side**2 for side in SIDES]
    rows = torch.tensor([[1.0, n, n**2] for n in places], dtype=torch.float64)
    counts = torch.tensor([flops(side) for side in SIDES], dtype=torch.float64)
    fixed, linear, square = torch.linalg.solve(rows, counts).clamp(min=0.0).tolist()
    return fixed, linear, square


def _two_terms(counts: list[float]) -> tuple[float, float]:
    small, large = (side**2 for side in SIDES[:2])
    square = max(0.0, (counts[1] / large - counts[0] / small) / (large - small))
    return counts[0] / small - square * small, square


def _build(folder: Path) -> Any:
    """A part of a model without weights."""
    import diffusers

    config = json.loads((folder / "config.json").read_text())
    kind = getattr(diffusers, config["_class_name"])
    with torch.device("meta"), _quiet():
        return kind.from_config(config).eval()


@contextmanager
def _quiet() -> Iterator[None]:
    """Without diffusers' remarks on configurations: the load itself makes them again."""
    from diffusers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(before)


def _empty(*size: int) -> torch.Tensor:
    return torch.empty(*size, device="meta")
