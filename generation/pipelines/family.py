"""The declaration of a model family: all that other code needs to know without loading a model.

The web process and every command read declarations. Therefore this module and the `__init__` of
each package under `families/` import neither torch nor Django; code that needs them is named by its
import path and imported at its first call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generation.field import MediaType


def _no_width(_folder: Path) -> int:
    return 0


def _no_fields(_folder: Path) -> dict[str, Any]:
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A family of models that one pipeline renders.

    Attributes:
        name: Its name in model cards, devices and the API.
        label: Its name on pages.
        class_names: `_class_name` in the index file of a folder that holds such a model.
        base: The family of the model that an adapter adds to; None for a model of its own.
        parts: Folders of weights inside a model's folder, in the order in which they are loaded;
            "." is the folder itself.
        other_parts: Folders without weights that a model needs too.
        unused_parts: Parts that a folder may name and that are not loaded.
        lora_parts: The parts, of the base in the case of an adapter, that LoRAs change; empty if
            its pipelines take no LoRAs.
        media_types: The media that it renders.
        batches: Whether its pipelines implement `denoise_batch`.
        begins_with_picture: Whether a clip may begin with a given picture.
        accelerates: Whether it can leave out the denoiser's deep layers in some steps.
        latent_pixels: Picture pixels per latent, on each side.
        latent_channels: Channels of a latent.
        feature_maps: The number of feature maps of the denoiser's full width that are in memory at
            once during a forward, in addition to the weights.
        width: Reads the denoiser's width at full size from a model's folder. An adapter has the
            width of its base.
        card_fields: Reads initial values for a new model card from a model's folder.
        loader: Import path (`module:name`) of a `base.Loader`.
        costs: Import path (`module:name`) of the function that counts the `Costs` of `ModelFiles`.
    """

    name: str
    label: str
    class_names: tuple[str, ...] = ()
    base: str | None = None
    parts: tuple[str, ...] = ()
    other_parts: tuple[str, ...] = ()
    unused_parts: tuple[str, ...] = ()
    lora_parts: tuple[str, ...] = ()
    media_types: tuple[MediaType, ...] = ()
    batches: bool = False
    begins_with_picture: bool = False
    accelerates: bool = False
    latent_pixels: int = 8
    latent_channels: int = 4
    feature_maps: int = 64
    width: Callable[[Path], int] = _no_width
    card_fields: Callable[[Path], Mapping[str, Any]] = _no_fields
    loader: str = ""
    costs: str = ""

    @property
    def lora(self) -> bool:
        """Whether its pipelines take LoRAs."""
        return bool(self.lora_parts)
