"""Stable Diffusion 1.x and 2.x, and every model folder of the same layout."""

import json
from pathlib import Path

from generation.field import MediaType
from generation.pipelines.family import Family

USUAL_WIDTH = 320
"""The width of Stable Diffusion's own UNet, for folders that do not state theirs."""


def _width(folder: Path) -> int:
    path = folder / "unet" / "config.json"
    widths = json.loads(path.read_text()).get("block_out_channels") if path.is_file() else None
    return int(widths[0]) if widths else USUAL_WIDTH


FAMILY = Family(
    name="stable-diffusion",
    label="Stable Diffusion 1 and 2",
    class_names=("StableDiffusionPipeline",),
    parts=("text_encoder", "vae", "unet"),
    other_parts=("tokenizer", "scheduler"),
    unused_parts=("safety_checker", "feature_extractor"),
    lora_parts=("unet", "text_encoder"),
    media_types=(MediaType.IMAGE,),
    batches=True,
    accelerates=True,
    latent_pixels=8,
    latent_channels=4,
    feature_maps=64,
    width=_width,
    loader="generation.pipelines.families.stable_diffusion.pipeline:StableDiffusion",
    costs="generation.pipelines.families.stable_diffusion.costs:count",
)
