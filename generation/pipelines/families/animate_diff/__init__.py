"""AnimateDiff: a motion adapter over a Stable Diffusion 1.x model makes clips."""

import json
from pathlib import Path

from generation.field import MediaType
from generation.pipelines.family import Family

USUAL_CONTEXT = 16
"""Frames that motion adapters are usually trained on."""


def _card_fields(folder: Path) -> dict[str, int]:
    longest = json.loads((folder / "config.json").read_text()).get("motion_max_seq_length")
    return {"context_frames": min(USUAL_CONTEXT, longest or USUAL_CONTEXT)}


# `feature_maps` was chosen by the memory peak that the benchmark `video` prints.
FAMILY = Family(
    name="animatediff",
    label="AnimateDiff",
    class_names=("MotionAdapter",),
    base="stable-diffusion",
    parts=(".",),
    media_types=(MediaType.VIDEO,),
    lora_parts=("unet", "text_encoder"),
    begins_with_picture=True,
    accelerates=True,
    latent_pixels=8,
    latent_channels=4,
    feature_maps=64,
    card_fields=_card_fields,
    loader="generation.pipelines.families.animate_diff.pipeline:AnimateDiff",
    costs="generation.pipelines.families.animate_diff.costs:count",
)
