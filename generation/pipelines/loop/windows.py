"""Context windows: fit a clip of any length to a motion adapter trained on a few frames.

Every denoising step predicts the frames window by window. Where windows overlap, the predictions
are averaged, with the highest weight in the middle of a window (Bar-Tal et al. 2023,
MultiDiffusion, applied to time). Memory depends on the size of a window, not on the clip.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from generation.pipelines.loop.window_plan import Window


def ramp(size: int) -> torch.Tensor:
    """Weights (size) of a window's frames, which rise to the middle and fall again."""
    position = torch.arange(size) + 1
    return torch.minimum(position, size + 1 - position).float()


def predict_in(
    windows: list[Window],
    latents: torch.Tensor,
    predict: Callable[[torch.Tensor], torch.Tensor],
    on_window: Callable[[int], None],
) -> torch.Tensor:
    """Predictions for latents (B, C, F, h, w), of the same shape, computed window by window.

    `on_window` is called with the number of finished windows; an exception from it ends the step.
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
    """Noise (1, C, frames, h, w) whose later frames are shuffles of `noise` (1, C, size, h, w).

    Frames with noise in common keep a character consistent: Qiu et al. 2024, FreeNoise,
    section 3.2.
    """
    size = noise.shape[2]
    rounds = [torch.arange(size)]
    while sum(len(order) for order in rounds) < frames:
        rounds.append(torch.randperm(size, generator=generator))
    return noise[:, :, torch.cat(rounds)[:frames].to(noise.device)]
