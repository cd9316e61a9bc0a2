"""The number of threads that torch computes with in a worker.

torch runs its loops on libgomp, which keeps a pool of threads for every thread that starts a loop.
libgomp counts the threads of all pools together. When there are more threads than cores, threads
that wait for the next loop stop spinning, and two threads are then no faster than one. Therefore
only the render thread of a worker runs torch operators; no other thread does.
"""

from __future__ import annotations

import os

CUDA_THREADS = 4
"""Enough for a CUDA device: its process only prepares noise, texts and finished pictures."""

DESCRIBES = "torch computes with"
"""The first words of what `described` returns."""

_PREFIXES = ("GOMP_", "KMP_", "MKL_", "OMP_")


def own_cores() -> int:
    """The number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def share_of_cores(devices: int) -> int:
    """The threads for each CPU device when `devices` of them share this host; at least 1."""
    return max(1, own_cores() // devices)


def reserve_for_render_thread(kind: str) -> int:
    """Give the calling thread no pool of its own; return how many the render thread may use.

    `kind` is the kind of device, such as "cuda". Call this first in the main thread, before any
    torch operator. A smaller number from the environment, such as OMP_NUM_THREADS, is respected.
    """
    import torch

    usual = min(torch.get_num_threads(), own_cores())
    torch.set_num_threads(1)
    return min(usual, CUDA_THREADS) if kind == "cuda" else usual


def compute_with(threads: int) -> None:
    """Let the calling thread run torch operators with `threads` threads, itself included."""
    import torch

    torch.set_num_threads(threads)


def described() -> str:
    """Describe the thread settings of the calling thread and its process in one line."""
    import torch

    numbers = f"{torch.get_num_threads()} threads, {torch.get_num_interop_threads()} interop"
    variables = [f"{name}={text}" for name, text in sorted(os.environ.items()) if _concerns(name)]
    return f"{DESCRIBES} {numbers}; {', '.join(variables) or 'no OpenMP variables'}"


def _concerns(variable: str) -> bool:
    return variable.startswith(_PREFIXES)
