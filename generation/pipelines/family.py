"""What the rest of the system asks about a family of models, declared without loading any.

The web process and every command read declarations, so this module and the packages under
`families/` import neither torch nor Django; what needs them is named by a path and imported when
it is first called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
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
        name: What cards, devices and the API call it.
        label: What a person reads.
        class_names: `_class_name` in the index file of a folder that holds such a model.
        base: The family of the model that an adapter adds to; None for a model of its own.
        parts: Folders of weights inside a model's folder, in the order in which they are loaded;
            "." is the folder itself.
        media_types: What it makes.
        batches: Whether its pipelines have `denoise_batch`.
        lora: Whether its pipelines take LoRAs.
        begins_with_picture: Whether a clip may begin with a given picture.
        accelerates: Whether it can leave out the denoiser's deep layers in some steps.
        latent_pixels: Pixels of the picture to one latent, on each side.
        latent_channels: Numbers of one latent.
        feature_maps: Feature maps of the denoiser's full width that are in memory at once while
            it predicts, weights aside.
        width: The denoiser's width at full size, read from a model's folder. An adapter has that
            of its base.
        card_fields: Fields of a new card that a model's folder itself tells.
        loader: Path (`module:name`) of a `base.Loader`.
        costs: Path (`module:name`) of what counts the `Costs` of `ModelFiles`.
    """

    name: str
    label: str
    class_names: tuple[str, ...] = ()
    base: str | None = None
    parts: tuple[str, ...] = ()
    media_types: tuple[MediaType, ...] = ()
    batches: bool = False
    lora: bool = False
    begins_with_picture: bool = False
    accelerates: bool = False
    latent_pixels: int = 8
    latent_channels: int = 4
    feature_maps: int = 64
    width: Callable[[Path], int] = _no_width
    card_fields: Callable[[Path], Mapping[str, Any]] = _no_fields
    loader: str = ""
    costs: str = ""


def imported(path: str) -> Any:
    """What `module:name` names. Raises ImportError or AttributeError."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
