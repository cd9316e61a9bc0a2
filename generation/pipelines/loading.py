"""Reads weights in a way that can be abandoned, and lists the exceptions of the libraries."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError

from generation.pipelines.base import Check
from generation.pipelines.model_files import weight_files

UNREADABLE = (OSError, ValueError, KeyError, RuntimeError, SafetensorError)
"""Raised by diffusers and transformers for folders and files that are damaged or do not fit."""

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
