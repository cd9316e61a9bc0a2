"""Models of diffusers' layout with random weights, so small that they are made in a moment."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    MotionAdapter,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from tests.conftest import TOON

WIDTHS = (8, 16)


def save_tiny_model(folder: Path, variant: str | None = None, max_shard: str = "1GB") -> Path:
    """Write a Stable Diffusion model as `save_pretrained` does, and return its folder."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8,
        block_out_channels=WIDTHS,
        layers_per_block=1,
        norm_num_groups=4,
        attention_head_dim=4,
        cross_attention_dim=16,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )
    vae = AutoencoderKL(
        block_out_channels=(4, 4, 4, 4),
        norm_num_groups=2,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
    )
    words = CLIPTextConfig(
        vocab_size=757,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        bos_token_id=0,
        eos_token_id=1,
    )
    pipeline = StableDiffusionPipeline(
        unet=unet,
        vae=vae,
        text_encoder=CLIPTextModel(words),
        tokenizer=CLIPTokenizer.from_pretrained(TOON / "tokenizer"),
        scheduler=DDIMScheduler(),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.to(torch.float16 if variant else torch.float32)
    pipeline.save_pretrained(folder, variant=variant, max_shard_size=max_shard)
    return folder


def save_tiny_adapter(folder: Path, variant: str | None = None) -> Path:
    """Write a motion adapter for that model, and return its folder."""
    torch.manual_seed(0)
    adapter = MotionAdapter(
        block_out_channels=WIDTHS,
        motion_layers_per_block=1,
        motion_num_attention_heads=2,
        motion_norm_num_groups=4,
        motion_max_seq_length=16,
        use_motion_mid_block=True,
    )
    adapter.save_pretrained(folder, variant=variant)
    return folder


def copied(folder: Path, target: Path) -> Path:
    """A copy of a model's folder, to harm."""
    return Path(shutil.copytree(folder, target))
