"""Measures in a second or two how fast a device is at the kinds of work of a render.

No times are known for a device that has never rendered. With these figures the cost model can give
a wide estimate from the first click; the times of the first real renders replace them.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import torch

SECONDS = 0.25
"""How long each kind of work is repeated, after one repetition to warm up."""
MIN_REPETITIONS = 3
"""The least number of timed repetitions."""

Figures = dict[str, float]
"""Teraflops per second by the name of the kind of work."""


@torch.inference_mode()
def measure(device: torch.device, dtype: torch.dtype) -> Figures:
    """Measure teraflops per second of `evaluate` (denoiser) and `decode` (autoencoder) layers.

    Call this with the number of threads of the render thread, in a thread that renders or ends:
    torch keeps a pool of threads for each thread that computes.
    """
    return {
        "evaluate": _rate(_denoiser(device, dtype), device),
        "decode": _rate(_decoder(device, dtype), device),
    }


def _rate(work: tuple[Callable[[], object], float], device: torch.device) -> float:
    run, flops = work
    run()
    _wait(device)
    count, started = 0, perf_counter()
    while count < MIN_REPETITIONS or perf_counter() - started < SECONDS:
        run()
        _wait(device)
        count += 1
    return flops * count / (perf_counter() - started) / 1e12


def _denoiser(device: torch.device, dtype: torch.dtype) -> tuple[Callable[[], object], float]:
    """Two residual convolutions and an attention over a small latent picture, twice (guidance)."""
    channels, side, tokens, heads = 128, 32, 1024, 8
    picture = torch.randn(2, channels, side, side, device=device, dtype=dtype)
    kernel = torch.randn(channels, channels, 3, 3, device=device, dtype=dtype)
    query = torch.randn(2, heads, tokens, channels // heads, device=device, dtype=dtype)

    def run() -> torch.Tensor:
        deep = torch.nn.functional.conv2d(picture, kernel, padding=1)
        deep = torch.nn.functional.conv2d(torch.nn.functional.silu(deep), kernel, padding=1)
        attended = torch.nn.functional.scaled_dot_product_attention(query, query, query)
        return deep + attended.transpose(1, 2).reshape(2, tokens, channels).mT.reshape(deep.shape)

    convolutions = 2 * 2 * 2 * channels * channels * 9 * side * side
    attention = 2 * 2 * 2 * tokens * tokens * channels
    return run, float(convolutions + attention)


def _decoder(device: torch.device, dtype: torch.dtype) -> tuple[Callable[[], object], float]:
    """A convolution over a picture of 128 x 128, as in the last blocks of a decoder."""
    channels, side = 64, 128
    picture = torch.randn(1, channels, side, side, device=device, dtype=dtype)
    kernel = torch.randn(channels, channels, 3, 3, device=device, dtype=dtype)

    def run() -> torch.Tensor:
        return torch.nn.functional.silu(torch.nn.functional.conv2d(picture, kernel, padding=1))

    return run, float(2 * channels * channels * 9 * side * side)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
