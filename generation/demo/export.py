"""Writing the trained parts as diffusers folders in half precision."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, cast

import torch
from diffusers import (
    AutoencoderTiny,
    DPMSolverMultistepScheduler,
    MotionAdapter,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextModel, CLIPTokenizer

from generation.demo.denoiser import NOISE_SCHEDULE
from generation.pipelines.preview import LatentPreview

KEPT = ("README.md", "genga.json")
"""The model's card and its usual settings are written by people and stay."""

PREVIEWED = 48
"""Pictures that the preview's map is fitted on."""


def export_pipeline(
    folder: Path,
    autoencoder: AutoencoderTiny,
    unet: UNet2DConditionModel,
    text_encoder: CLIPTextModel,
    tokenizer: CLIPTokenizer,
) -> int:
    """Write a StableDiffusionPipeline folder and return its size in bytes.

    The folder is written beside ``folder`` and then takes its place, so readers never see half of
    it. What people wrote there (KEPT) stays. The parts end up in half precision.
    """
    sampler = DPMSolverMultistepScheduler(
        algorithm_type="dpmsolver++", solver_order=2, steps_offset=1, **NOISE_SCHEDULE
    )
    pipeline = StableDiffusionPipeline(
        vae=autoencoder,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=sampler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).to(torch.float16)
    return _export(pipeline, folder)


def export_adapter(folder: Path, adapter: MotionAdapter) -> int:
    """Write a MotionAdapter folder in the same way and return its size in bytes."""
    return _export(cast(Any, adapter).to("cpu", torch.float16), folder)


def _export(model: Any, folder: Path) -> int:
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    model.save_pretrained(partial, safe_serialization=True)
    for config in partial.rglob("*.json"):
        _strip_origin(config)
    for name in KEPT:
        if (folder / name).exists():
            shutil.copy2(folder / name, partial / name)
    replace_folder(partial, folder)
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@torch.inference_mode()
def export_preview(folder: Path, autoencoder: AutoencoderTiny, latents: torch.Tensor) -> None:
    """Fit the map from latents (B, C, h, w) to colour on the model's own pictures; write it."""
    chosen = latents[:PREVIEWED].float()
    decode = cast(Any, autoencoder).float().eval().decode
    pictures = torch.cat([decode(one[None]).sample for one in chosen]).clamp(-1, 1)
    LatentPreview.fit(chosen, pictures).save(folder)


def replace_folder(source: Path, target: Path) -> None:
    """Put ``source`` in ``target``'s place; the old folder goes last."""
    target.parent.mkdir(parents=True, exist_ok=True)
    old = target.with_name(target.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    for path in source.rglob("*"):
        # Weights are written for their owner alone; a model may be read by the worker's user too.
        path.chmod(0o755 if path.is_dir() else 0o644)
    if target.exists():
        target.replace(old)
    source.replace(target)
    shutil.rmtree(old, ignore_errors=True)


def _strip_origin(path: Path) -> None:
    """Remove the folder that a part was loaded from: it says where a model was made, not what."""
    config = cast(Any, json.loads(path.read_text()))
    if isinstance(config, dict) and config.pop("_name_or_path", None) is not None:
        path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
