"""Counts the cost of a Stable Diffusion model: a forward of its UNet and of its decoder."""

from __future__ import annotations

from typing import Any

from generation.pipelines.costs import Costs
from generation.pipelines.flops import SIDES, build, counted, empty, three_terms, two_terms
from generation.pipelines.loop.deep_cache import DeepCache
from generation.pipelines.model_files import ModelFiles

TOKENS = 77
"""Tokens of a prompt in CLIP's encoding."""


def count(files: ModelFiles) -> Costs:
    """The costs of a model's folder. Raises OSError, ValueError or TypeError for other folders."""
    unet, vae = build(files.folder / "unet"), build(files.folder / "vae")
    return Costs(
        evaluate=(*three_terms(lambda side: evaluated(unet, side)), 0.0),
        decode=two_terms(lambda side: _decoded(vae, side)),
        outermost=_outermost(unet),
    )


def evaluated(unet: Any, side: int, frames: int = 0) -> float:
    """FLOPs of one forward; `frames` is 0 for a model of single pictures."""
    size = (1, unet.config.in_channels, *((frames,) if frames else ()), side, side)
    words = empty(frames or 1, TOKENS, unet.config.cross_attention_dim)
    return counted(lambda: unet(empty(*size), empty(1), encoder_hidden_states=words))


def _outermost(unet: Any) -> float:
    """The cost of an evaluation with cached deep layers, as a share of a whole one."""
    layers = DeepCache(unet, interval=2)
    side = SIDES[1]
    words = empty(1, TOKENS, unet.config.cross_attention_dim)
    latents = empty(1, unet.config.in_channels, side, side)

    def next_step() -> None:
        layers.next_step()
        layers(latents, empty(1), encoder_hidden_states=words)

    whole = counted(next_step)
    return counted(next_step) / whole


def _decoded(vae: Any, side: int) -> float:
    return counted(lambda: vae.decode(empty(1, vae.config.latent_channels, side, side)))
