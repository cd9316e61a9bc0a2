"""LoRA files for the demo model, as trainers write them."""

from __future__ import annotations

import re

import numpy as np
from safetensors.numpy import save

from generation.pipelines.lora_files import Shapes, targets
from generation.pipelines.model_files import shapes_of
from tests.conftest import TOON

UNET = TOON / "unet" / "diffusion_pytorch_model.safetensors"
ATTENTION = re.compile(r"attn[12]\.to_(q|k|v|out\.0)\.weight")


def attention_weights() -> Shapes:
    """The names and shapes of the demo UNet's 56 attention weights."""
    return {name: shape for name, shape in shapes_of(UNET).items() if ATTENTION.search(name)}


def modules() -> int:
    """The number of a LoRA's modules."""
    return len(targets(attention_weights().items()))


def peft_lora(rank: int = 4) -> dict[str, np.ndarray]:
    """A LoRA in peft's names."""
    found = {}
    for name, (out, into) in attention_weights().items():
        module = name.removesuffix(".weight")
        found[f"unet.{module}.lora_A.weight"] = np.ones((rank, into), np.float16)
        found[f"unet.{module}.lora_B.weight"] = np.ones((out, rank), np.float16)
    return found


def kohya_lora(rank: int = 4) -> dict[str, np.ndarray]:
    """A LoRA in kohya's names."""
    found = {}
    for name, weight in peft_lora(rank).items():
        module, half = re.fullmatch(r"unet\.(.+)\.lora_(A|B)\.weight", name).groups()
        flat = f"lora_unet_{module.replace('.', '_')}"
        found[f"{flat}.lora_{'down' if half == 'A' else 'up'}.weight"] = weight
        found[f"{flat}.alpha"] = np.array(float(rank), np.float16)
    return found


def other_names(weights: dict[str, np.ndarray], kept: int) -> dict[str, np.ndarray]:
    """The LoRA with all but `kept` modules under names that the model does not have."""
    pairs = sorted(weights)
    return {
        name if number < kept * 2 else name.replace("attn", "attention"): weights[name]
        for number, name in enumerate(pairs)
    }


def sdxl_lora() -> dict[str, np.ndarray]:
    """One module of a LoRA for Stable Diffusion XL."""
    name = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k"
    return {
        f"{name}.lora_down.weight": np.ones((8, 2048), np.float16),
        f"{name}.lora_up.weight": np.ones((640, 8), np.float16),
    }


def foreign(*ends: str) -> dict[str, np.ndarray]:
    """Tensors of another algorithm for one module."""
    name = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q"
    return {f"{name}.{end}": np.ones((4, 4), np.float16) for end in ends}


def as_file(weights: dict[str, np.ndarray]) -> bytes:
    """The content of a safetensors file."""
    return save(weights)
