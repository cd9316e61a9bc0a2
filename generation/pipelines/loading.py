"""Reads weights in a way that can be abandoned, and tells the exceptions of the libraries apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError

from generation.errors import RenderError, public_text
from generation.pipelines.base import Check
from generation.pipelines.model_files import weight_files

UNREADABLE = (OSError, ValueError, KeyError, RuntimeError, SafetensorError)
"""Raised by diffusers and transformers for folders and files that are damaged or do not fit."""

NO_MEMORY = ("out of memory", "allocate memory")
"""In the texts of torch's other errors for too little memory, such as those of the CPU."""

CHUNK_BYTES = 2**26
"""Read between two calls of `check`: half a second on a slow disk."""


def read_ahead(folder: Path, check: Check) -> None:
    """Read a part's weights into the system's file cache, calling `check` in between.

    Most of a load is waiting for the disk, and the libraries cannot be interrupted meanwhile.
    Raises OSError.
    """
    buffer = bytearray(CHUNK_BYTES)
    for path in weight_files(folder):
        with path.open("rb", buffering=0) as stream:
            while stream.readinto(buffer):
                check()


def is_out_of_memory(problem: BaseException) -> bool:
    """Whether an exception says that a device or the host has too little memory."""
    if isinstance(problem, torch.OutOfMemoryError | MemoryError):
        return True
    text = str(problem).lower()
    return isinstance(problem, RuntimeError | OSError) and any(part in text for part in NO_MEMORY)


@contextmanager
def unreadable_as(
    kind: type[RenderError],
    what: str,
    hint: str | None = None,
    wrong: tuple[type[Exception], ...] = UNREADABLE,
) -> Iterator[None]:
    """Turn the libraries' exceptions for files that are damaged or do not fit into a RenderError.

    `what` begins its message. Too little memory is no fault of a file: that exception is passed on.
    """
    try:
        yield
    except wrong as problem:
        if is_out_of_memory(problem):
            raise
        raise kind(f"{what}: {public_text(problem)}", hint) from problem
