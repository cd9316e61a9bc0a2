"""LoRAs on a loaded Stable Diffusion model, as diffusers' adapters. Each file is read once."""

from __future__ import annotations

from diffusers import StableDiffusionPipeline

from generation.errors import ModelMissing, ModelUnreadable
from generation.pipelines.loading import UNREADABLE
from generation.pipelines.model_files import LoraFile


class Loras:
    """The LoRAs that a model has loaded, and which of them are switched on."""

    def __init__(self, parts: StableDiffusionPipeline) -> None:
        self._parts = parts
        self._loaded: set[str] = set()

    def use(self, loras: tuple[LoraFile, ...], model: str) -> None:
        """Switch on exactly these LoRAs; `model` names the model in error messages.

        Raises ModelMissing for a missing file, ModelUnreadable for a LoRA that does not fit.
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
        try:
            self._parts.load_lora_weights(
                lora.path.parent, weight_name=lora.path.name, adapter_name=lora.name
            )
            # diffusers only warns when a file has no weights for any of these parts.
            if not any(lora.name in names for names in self._parts.get_list_adapters().values()):
                raise ValueError("it has no weights for the parts of this model")
        except UNREADABLE as problem:
            raise ModelUnreadable(
                f"The LoRA does not fit {model}: {problem}",
                "Choose a LoRA that was trained for this model's family.",
            ) from problem
        self._loaded.add(lora.name)
