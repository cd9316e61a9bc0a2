"""What a model's parts cost, in floating point operations, for pictures and clips of any size."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

FAMILIAR = {"evaluate": (2.9e9, 1.55e8, 1.2e3, 0.0), "decode": (6.2e8, 1.0e3)}
"""Stable Diffusion 1.5, for models whose configuration cannot be built: counted by `flops`."""


@dataclass(frozen=True, slots=True)
class Costs:
    """FLOPs of one forward for one frame of n latents.

    `evaluate` are the terms c0 + c1 n + c2 n² of a denoiser's forward, and ct of the n F² that
    looking at F frames together adds for all of them; `decode` those of d1 n + d2 n².
    `outermost` is the share of it that a forward of only the outermost layers costs.
    `latent_pixels` is how many pixels of the picture one latent has on each side.
    """

    evaluate: tuple[float, float, float, float]
    decode: tuple[float, float]
    outermost: float = 0.3
    latent_pixels: int = 8

    def latents(self, width: int, height: int) -> int:
        """How many latents a frame of so many pixels has."""
        return (width // self.latent_pixels) * (height // self.latent_pixels)

    def evaluation(self, latents: int, frames: int) -> float:
        """FLOPs of one forward over `frames` frames of so many latents each."""
        fixed, linear, square, between = self.evaluate
        alone = fixed + linear * latents + square * latents**2
        return frames * alone + between * latents * frames**2

    def decoding(self, latents: int) -> float:
        """FLOPs of decoding one frame."""
        linear, square = self.decode
        return linear * latents + square * latents**2

    def as_json(self) -> dict[str, Any]:
        """Plain data that `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Costs:
        """What `as_json` wrote; of nothing the costs of a familiar model."""
        known = {**FAMILIAR, **data}
        return cls(
            **{**known, "evaluate": tuple(known["evaluate"]), "decode": tuple(known["decode"])}
        )
