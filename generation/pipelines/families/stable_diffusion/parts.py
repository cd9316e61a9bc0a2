"""Loads the parts of a Stable Diffusion model one at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline

from generation.errors import ModelMissing, ModelUnreadable
from generation.pipelines.base import Check
from generation.pipelines.families.stable_diffusion import FAMILY
from generation.pipelines.loading import read_ahead, unreadable_as
from generation.pipelines.model_files import ModelFiles, variant_of


def load_parts(
    files: ModelFiles, device: torch.device, dtype: torch.dtype, check: Check
) -> StableDiffusionPipeline:
    """The stock pipeline as a container of parts, from safetensors only and without network.

    diffusers loads a whole pipeline in one call that cannot be interrupted. It skips a part that is
    passed as None. So each large part is loaded alone, with diffusers' own rules, by passing None
    for all others. A last call puts the pipeline together from the loaded parts.
    """
    if not (files.folder / "model_index.json").is_file():
        raise ModelMissing(f"The folder of {files.slug} holds no model_index.json.")
    if not (files.folder / "tokenizer").is_dir():
        # transformers would create an empty one, and every prompt would give the same picture.
        raise ModelUnreadable(f"{files.slug} cannot be loaded: its folder holds no tokenizer.")
    loaded: dict[str, Any] = {}
    with unreadable_as(ModelUnreadable, f"{files.slug} cannot be loaded"):
        for name in FAMILY.parts:
            read_ahead(files.folder / name, check)
            others = dict.fromkeys((*FAMILY.other_parts, *FAMILY.parts))
            del others[name]
            variant = variant_of(files.folder / name)
            loaded[name] = getattr(_from_pretrained(files.folder, dtype, others, variant), name)
            check()
            loaded[name].to(device)
            check()
        parts = _from_pretrained(files.folder, dtype, loaded)
    parts.set_progress_bar_config(disable=True)
    return parts.to(device)


def _from_pretrained(
    folder: Path, dtype: torch.dtype, given: dict[str, Any], variant: str | None = None
) -> StableDiffusionPipeline:
    return StableDiffusionPipeline.from_pretrained(
        folder,
        dtype=dtype,
        use_safetensors=True,
        local_files_only=True,
        variant=variant,
        requires_safety_checker=False,
        **dict.fromkeys(FAMILY.unused_parts),
        **given,
    )
