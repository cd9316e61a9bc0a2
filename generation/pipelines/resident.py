"""Keeps models loaded between jobs, as many as fit a memory budget."""

from __future__ import annotations

import gc
import traceback
from collections import OrderedDict

import torch

from generation.pipelines.base import Check, Loader, Pipeline
from generation.pipelines.model_files import ModelFiles
from generation.pipelines.registry import load


class ResidentModels:
    """The loaded models of one device; the least recently used leaves first when they exceed the
    budget."""

    def __init__(self, device: torch.device, dtype: torch.dtype, budget_bytes: int) -> None:
        self.device = device
        self.dtype = dtype
        self.budget_bytes = budget_bytes
        self._models: OrderedDict[str, tuple[str, Pipeline]] = OrderedDict()

    @property
    def slugs(self) -> list[str]:
        """Slugs of the loaded models, the most recently used last."""
        return [slug for slug, _ in self._models.values()]

    def holds(self, files: ModelFiles) -> bool:
        """True when the weights with this hash are loaded."""
        return files.weights_hash in self._models

    def get(
        self, files: ModelFiles, loader: Loader = load, check: Check = lambda: None
    ) -> Pipeline:
        """Return the loaded model, after loading it if necessary.

        `check` is called between the model's parts and may raise an exception to abandon the load.
        Raises ModelMissing, ModelUnreadable or that exception. Then nothing of this model stays in
        memory, and the other models stay loaded.
        """
        if not self.holds(files):
            try:
                pipeline = loader(files, self.device, self.dtype, check)
            except Exception as problem:
                _release_locals(problem)
                self._empty_cache()
                raise
            self._models[files.weights_hash] = (files.slug, pipeline)
        self._models.move_to_end(files.weights_hash)
        self._evict()
        return self._models[files.weights_hash][1]

    def clear(self) -> None:
        """Unload everything."""
        self._models.clear()
        gc.collect()
        self._empty_cache()

    def _evict(self) -> None:
        """Unload the oldest models, but never the model in use, even if it exceeds the budget."""
        while len(self._models) > 1 and self._loaded_bytes() > self.budget_bytes:
            self._models.popitem(last=False)
            self._empty_cache()

    def _empty_cache(self) -> None:
        """Return the memory that torch caches to the device, so that other processes can use it."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _loaded_bytes(self) -> int:
        return sum(pipeline.nbytes for _, pipeline in self._models.values())


def _release_locals(problem: BaseException) -> None:
    """Free the local variables of an abandoned load.

    An exception's frames keep their local variables alive, here gigabytes of weights, for as long
    as the exception is referenced. Modules also refer to one another in cycles.
    """
    current: BaseException | None = problem
    while current is not None:
        traceback.clear_frames(current.__traceback__)
        current = current.__cause__ or current.__context__
    gc.collect()
