"""The threads that torch computes with in a worker.

torch runs its loops on libgomp, which keeps a pool of threads for every thread that starts a loop.
It counts the threads of all pools together: when they are more than the cores, threads that wait
for the next loop no longer spin, and two of them are no faster than one. So only the render thread
of a worker runs torch operators, and every other thread leaves them alone.
"""

from __future__ import annotations

import os

CUDA_THREADS = 4
"""A graphics card renders; its process only prepares noise, texts and finished pictures."""

DESCRIBES = "torch computes with"
"""How `described` begins."""

_PREFIXES = ("GOMP_", "KMP_", "MKL_", "OMP_")


def own_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def share_of_cores(devices: int) -> int:
    """The threads of each of so many CPU devices on this host."""
    return max(1, own_cores() // devices)


def reserve_for_render_thread(kind: str) -> int:
    """Keep the calling thread from a pool of its own; returns how many the render thread may use.

    `kind` is the device's. Call it first in the main thread, before any torch operator. A smaller
    number from the environment, such as OMP_NUM_THREADS, stays in force.
    """
    import torch

    usual = min(torch.get_num_threads(), own_cores())
    torch.set_num_threads(1)
    return min(usual, CUDA_THREADS) if kind == "cuda" else usual


def compute_with(threads: int) -> None:
    """Let the calling thread run torch operators with so many threads, its own included."""
    import torch

    torch.set_num_threads(threads)


def described() -> str:
    """The settings of the calling thread and its process, as one line."""
    import torch

    numbers = f"{torch.get_num_threads()} threads, {torch.get_num_interop_threads()} interop"
    variables = [f"{name}={text}" for name, text in sorted(os.environ.items()) if _concerns(name)]
    return f"{DESCRIBES} {numbers}; {', '.join(variables) or 'no OpenMP variables'}"


def _concerns(variable: str) -> bool:
    return variable.startswith(_PREFIXES)
