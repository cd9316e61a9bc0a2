"""Models kept loaded between jobs, as many as fit a memory budget."""

from __future__ import annotations

import gc
import traceback
from collections import OrderedDict

import torch

from generation.pipelines.base import Check, Loader, Pipeline
from generation.pipelines.model_files import ModelFiles
from generation.pipelines.registry import load


class ResidentModels:
    """The models of one device. The one unused longest leaves first when the budget is passed."""

    def __init__(self, device: torch.device, dtype: torch.dtype, budget_bytes: int) -> None:
        self.device = device
        self.dtype = dtype
        self.budget_bytes = budget_bytes
        self._models: OrderedDict[str, tuple[str, Pipeline]] = OrderedDict()

    @property
    def slugs(self) -> list[str]:
        """Slugs of the loaded models, the one used last at the end."""
        return [slug for slug, _ in self._models.values()]

    def holds(self, files: ModelFiles) -> bool:
        """True when these very weights are loaded."""
        return files.weights_hash in self._models

    def get(
        self, files: ModelFiles, loader: Loader = load, check: Check = lambda: None
    ) -> Pipeline:
        """The loaded model, read from disk when needed.

        `check` is called between its parts and may raise to leave the load. Raises ModelMissing,
        ModelUnreadable or that; nothing of the model is kept then, and the others stay.
        """
        if not self.holds(files):
            try:
                pipeline = loader(files, self.device, self.dtype, check)
            except Exception as problem:
                _let_go(problem)
                self._give_back()
                raise
            self._models[files.weights_hash] = (files.slug, pipeline)
        self._models.move_to_end(files.weights_hash)
        self._evict()
        return self._models[files.weights_hash][1]

    def clear(self) -> None:
        """Unload everything."""
        self._models.clear()
        gc.collect()
        self._give_back()

    def _evict(self) -> None:
        """The model in use always stays, even when it alone passes the budget."""
        while len(self._models) > 1 and self._loaded_bytes() > self.budget_bytes:
            self._models.popitem(last=False)
            self._give_back()

    def _give_back(self) -> None:
        """Memory that torch keeps for itself is memory that others on the device cannot have."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _loaded_bytes(self) -> int:
        return sum(pipeline.nbytes for _, pipeline in self._models.values())


def _let_go(problem: BaseException) -> None:
    """Forget what a load had in hand when it was left.

    An exception's frames keep their local variables, here gigabytes of weights, for as long as
    somebody tells of it; and modules refer to one another in circles.
    """
    told: BaseException | None = problem
    while told is not None:
        traceback.clear_frames(told.__traceback__)
        told = told.__cause__ or told.__context__
    gc.collect()
