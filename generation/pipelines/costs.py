"""The cost of a model's parts in floating point operations, for pictures and clips of any size."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

FAMILIAR = {"evaluate": (2.9e9, 1.55e8, 1.2e3, 0.0), "decode": (6.2e8, 1.0e3)}
"""Costs of Stable Diffusion 1.5, counted by `flops`. Used for models whose configuration cannot be
built."""


@dataclass(frozen=True, slots=True)
class Costs:
    """FLOPs of a model, as polynomials in n, the number of latents of a frame.

    One forward of the denoiser over F frames costs F (c0 + c1 n + c2 n²) + ct n F², where ct is the
    cost of attention between frames; `evaluate` is (c0, c1, c2, ct). Decoding one frame costs
    d1 n + d2 n²; `decode` is (d1, d2). `outermost` is the cost of a forward through only the
    outermost layers, as a share of a whole forward. `latent_pixels` is the number of picture pixels
    per latent on each side.
    """

    evaluate: tuple[float, float, float, float]
    decode: tuple[float, float]
    outermost: float = 0.3
    latent_pixels: int = 8

    def latents(self, width: int, height: int) -> int:
        """The number of latents of a frame of this size in pixels."""
        return (width // self.latent_pixels) * (height // self.latent_pixels)

    def evaluation(self, latents: int, frames: int) -> float:
        """FLOPs of one forward over `frames` frames of `latents` latents each."""
        fixed, linear, square, between = self.evaluate
        alone = fixed + linear * latents + square * latents**2
        return frames * alone + between * latents * frames**2

    def decoding(self, latents: int) -> float:
        """FLOPs of decoding one frame of `latents` latents."""
        linear, square = self.decode
        return linear * latents + square * latents**2

    def as_json(self) -> dict[str, Any]:
        """JSON-compatible data for `from_json`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Costs:
        """Costs from the output of `as_json`; missing keys take the values of FAMILIAR."""
        known = {**FAMILIAR, **data}
        return cls(
            **{**known, "evaluate": tuple(known["evaluate"]), "decode": tuple(known["decode"])}
        )
