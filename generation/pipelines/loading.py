"""Reading weights in a way that can be left, and what their libraries raise."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError

from generation.pipelines.base import Check
from generation.pipelines.model_files import weight_files

UNREADABLE = (OSError, ValueError, KeyError, RuntimeError, SafetensorError)
"""What diffusers and transformers raise for folders and files that are damaged or do not fit."""

CHUNK_BYTES = 2**26
"""Read between two looks at whether a load is still wanted: half a second on a slow disk."""


def read_ahead(folder: Path, check: Check) -> None:
    """Bring a part's weights into the system's file cache, asking `check` in between.

    A load spends its time waiting for the disk, and the libraries cannot be left while they do.
    Raises OSError.
    """
    buffer = bytearray(CHUNK_BYTES)
    for path in weight_files(folder):
        with path.open("rb", buffering=0) as stream:
            while stream.readinto(buffer):
                check()
