"""LoRAs on a loaded Stable Diffusion model, as diffusers' adapters. Each file is read once."""

from __future__ import annotations

import logging
from functools import cached_property

from diffusers import StableDiffusionPipeline

from generation.errors import LoraUnreadable, ModelMissing, SpecError, public_text
from generation.pipelines.families.stable_diffusion import FAMILY
from generation.pipelines.loading import unreadable_as
from generation.pipelines.lora_files import LoraFit, LoraWeights, Shapes, read_lora, targets
from generation.pipelines.model_files import LoraFile

logger = logging.getLogger(__name__)


class Loras:
    """The LoRAs that a model has loaded, and which of them are switched on."""

    def __init__(self, parts: StableDiffusionPipeline) -> None:
        self._parts = parts
        self._loaded: set[str] = set()

    def use(self, loras: tuple[LoraFile, ...], model: str) -> None:
        """Switch on exactly these LoRAs; `model` names the model in error messages.

        Raises ModelMissing for a missing file, LoraUnreadable for a LoRA that does not fit.
        """
        for lora in loras:
            if lora.name not in self._loaded:
                self._load(lora, model)
        if loras:
            self._parts.enable_lora()
            self._parts.set_adapters([lora.name for lora in loras], [lora.scale for lora in loras])
        elif self._loaded:
            self._parts.disable_lora()

    def _load(self, lora: LoraFile, model: str) -> None:
        if not lora.path.is_file():
            raise ModelMissing(
                f"The LoRA file {lora.path.name} is not there.",
                "Upload it again on the character's page in the admin site.",
            )
        weights = _read(lora)
        fit = weights.fit(self._targets)
        if not fit.applies:
            raise LoraUnreadable(f"The LoRA cannot be used. {fit.said(model, weights.rank).text}")
        try:
            with unreadable_as(LoraUnreadable, f"The LoRA cannot be used with {model}"):
                self._parts.load_lora_weights(
                    lora.path.parent,
                    weight_name=lora.path.name,
                    adapter_name=lora.name,
                    # Without it, diffusers opens a damaged file as a pickle.
                    use_safetensors=True,
                )
        except Exception:
            # diffusers removes it from the part that failed, not from those before: a second
            # attempt would be refused, because the name is in use.
            self._parts.delete_adapters(lora.name)
            raise
        self._loaded.add(lora.name)
        applied = LoraFit(fit.modules, self._applied(lora.name))
        if applied.is_partial:
            logger.warning("LoRA %s: %s", lora.path.name, applied.said(model, weights.rank).text)

    @cached_property
    def _targets(self) -> dict[str, Shapes]:
        """The modules of each part, read before the first LoRA wraps some of them."""
        return {
            name: targets(
                (weight, tuple(values.shape))
                for weight, values in getattr(self._parts, name).named_parameters()
            )
            for name in FAMILY.lora_parts
        }

    def _applied(self, name: str) -> int:
        """The number of modules that a loaded LoRA changes."""
        return sum(
            name in getattr(module, "lora_A", ())
            for part in FAMILY.lora_parts
            for module in getattr(self._parts, part).modules()
        )


def _read(lora: LoraFile) -> LoraWeights:
    """What the file holds. Raises LoraUnreadable."""
    try:
        return read_lora(lora.path)
    except (SpecError, OSError) as problem:
        why = problem.message if isinstance(problem, SpecError) else public_text(problem)
        raise LoraUnreadable(f"The LoRA cannot be used. {why}") from problem
