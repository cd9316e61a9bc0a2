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
"""The model's card and default settings: files written by hand, which an export keeps."""

PREVIEWED = 48
"""Number of pictures that the preview map is fitted on."""


def export_pipeline(
    folder: Path,
    autoencoder: AutoencoderTiny,
    unet: UNet2DConditionModel,
    text_encoder: CLIPTextModel,
    tokenizer: CLIPTokenizer,
) -> int:
    """Write a StableDiffusionPipeline folder and return its size in bytes.

    The pipeline is written to a temporary folder, which then replaces ``folder``, so readers never
    see a partial model. The files named in KEPT are copied over. The passed parts are converted to
    half precision in place.
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
    """Write a MotionAdapter folder as ``export_pipeline`` does and return its size in bytes."""
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
    """Fit the preview map from latents (B, C, h, w) to decoded colours, and write it."""
    chosen = latents[:PREVIEWED].float()
    decode = cast(Any, autoencoder).float().eval().decode
    pictures = torch.cat([decode(latent[None]).sample for latent in chosen]).clamp(-1, 1)
    LatentPreview.fit(chosen, pictures).save(folder)


def replace_folder(source: Path, target: Path) -> None:
    """Replace ``target`` by ``source``. The old folder is deleted last."""
    target.parent.mkdir(parents=True, exist_ok=True)
    old = target.with_name(target.name + ".old")
    shutil.rmtree(old, ignore_errors=True)
    for path in source.rglob("*"):
        # Weights are written readable by their owner only; the worker may run as another user.
        path.chmod(0o755 if path.is_dir() else 0o644)
    if target.exists():
        target.replace(old)
    source.replace(target)
    shutil.rmtree(old, ignore_errors=True)


def _strip_origin(path: Path) -> None:
    """Remove the path that a part was loaded from, which belongs to the training machine."""
    config = cast(Any, json.loads(path.read_text()))
    if isinstance(config, dict) and config.pop("_name_or_path", None) is not None:
        path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
