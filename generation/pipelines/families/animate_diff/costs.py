"""Counts the cost of a motion adapter together with the model that it animates."""

from __future__ import annotations

from dataclasses import replace

import torch
from diffusers.models import UNetMotionModel

from generation.pipelines.costs import Costs
from generation.pipelines.families.stable_diffusion import costs as base_costs
from generation.pipelines.families.stable_diffusion.costs import evaluated
from generation.pipelines.flops import SIDES, build, quiet, three_terms
from generation.pipelines.model_files import ModelFiles


def count(files: ModelFiles) -> Costs:
    """The costs of an adapter with its base. Raises OSError, ValueError or TypeError."""
    if files.base is None:
        raise ValueError("a motion adapter without the model that it animates")
    alone = base_costs.count(files.base)
    unet, adapter = build(files.base.folder / "unet"), build(files.folder)
    with torch.device("meta"), quiet():
        with_motion = UNetMotionModel.from_unet2d(unet, adapter).to("meta")
    side = SIDES[0]
    one, four = (evaluated(with_motion, side, frames) for frames in (1, 4))
    # Solve F (c0 + c1 n + c2 n²) + ct n F² for ct, from the counts at 1 and 4 frames.
    between = max(0.0, (four - 4 * one) / (12 * side**2))
    terms = three_terms(lambda s: evaluated(with_motion, s, 1) - between * s**2)
    return replace(alone, evaluate=(*terms, between))
