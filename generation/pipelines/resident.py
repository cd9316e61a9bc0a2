"""Models kept loaded between jobs, as many as fit a memory budget."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

import torch

from generation.pipelines.base import Pipeline, load
from generation.pipelines.model_files import ModelFiles


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
        self,
        files: ModelFiles,
        loader: Callable[[ModelFiles, torch.device, torch.dtype], Pipeline] = load,
    ) -> Pipeline:
        """The loaded model, read from disk when needed. Raises ModelMissing or ModelUnreadable."""
        if not self.holds(files):
            self._models[files.weights_hash] = (files.slug, loader(files, self.device, self.dtype))
        self._models.move_to_end(files.weights_hash)
        self._evict()
        return self._models[files.weights_hash][1]

    def _evict(self) -> None:
        """The model in use always stays, even when it alone passes the budget."""
        while len(self._models) > 1 and self._loaded_bytes() > self.budget_bytes:
            self._models.popitem(last=False)
            if self.device.type == "cuda":
                torch.cuda.empty_cache()

    def _loaded_bytes(self) -> int:
        return sum(pipeline.nbytes for _, pipeline in self._models.values())
