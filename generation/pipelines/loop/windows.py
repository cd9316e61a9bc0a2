"""Context windows: how a clip of any length fits a motion adapter that knows a few frames.

In every denoising step the frames are predicted window by window, and where windows overlap the
predictions are averaged, the middle of a window counting most (Bar-Tal et al. 2023,
MultiDiffusion, along time). Memory depends on the window and not on the clip.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from generation.pipelines.loop.window_plan import Window


def ramp(size: int) -> torch.Tensor:
    """Weights (size) of a window's frames: rising to the middle and falling again."""
    place = torch.arange(size) + 1
    return torch.minimum(place, size + 1 - place).float()


def predict_in(
    windows: list[Window],
    latents: torch.Tensor,
    predict: Callable[[torch.Tensor], torch.Tensor],
    on_window: Callable[[int], None],
) -> torch.Tensor:
    """Predictions for latents (B, C, F, h, w), made window by window, of the same shape.

    `on_window` is told how many windows are done; what it raises leaves at once.
    """
    if len(windows) == 1:
        return predict(latents)
    total = torch.zeros_like(latents)
    weights = latents.new_zeros(latents.shape[2])
    for number, window in enumerate(windows, 1):
        weight = ramp(len(window)).to(latents)
        total[:, :, window] += predict(latents[:, :, window]) * weight[:, None, None]
        weights[window] += weight
        on_window(number)
    return total / weights[:, None, None]


def shared_noise(noise: torch.Tensor, frames: int, generator: torch.Generator) -> torch.Tensor:
    """Noise (1, C, frames, h, w) whose later frames are shuffles of the first, (1, C, size, h, w).

    Frames with noise in common draw the same character: Qiu et al. 2024, FreeNoise, section 3.2.
    """
    size = noise.shape[2]
    rounds = [torch.arange(size)]
    while sum(len(order) for order in rounds) < frames:
        rounds.append(torch.randperm(size, generator=generator))
    return noise[:, :, torch.cat(rounds)[:frames].to(noise.device)]
