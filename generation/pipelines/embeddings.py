"""Caches prompt embeddings for the next render with the same texts."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable

import torch

KEPT = 64


class EmbeddingCache:
    """The most recently used embeddings, a few hundred kilobytes each; the oldest leave first."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._tensors: OrderedDict[Hashable, torch.Tensor] = OrderedDict()

    def get(self, key: Hashable, compute: Callable[[], torch.Tensor]) -> torch.Tensor:
        """The tensor under `key`, computed if it is not cached."""
        if key not in self._tensors:
            self._tensors[key] = compute()
            if len(self._tensors) > self._kept:
                self._tensors.popitem(last=False)
        self._tensors.move_to_end(key)
        return self._tensors[key]
