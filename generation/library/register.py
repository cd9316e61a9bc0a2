"""Reading a model's folder: is it one, which family, which content."""

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from safetensors import SafetensorError

from generation.errors import SpecError
from generation.models import ModelCard
from generation.pipelines.model_files import count_parameters, loaded_files
from generation.pipelines.registry import BASE_OF_FAMILY, FAMILY_OF_CLASS

logger = logging.getLogger(__name__)

READ_BYTES = 1 << 20
CARD_FILE = "genga.json"

USUAL_CONTEXT = 16
"""Frames that motion adapters are usually trained on."""

DEFAULT_CHANNELS = 320
"""The width of Stable Diffusion's own UNet, for folders that do not say."""


def register(folder: Path, slug: str, **fields: Any) -> ModelCard:
    """Write or renew the card of the model in `folder`. Raises SpecError for what is no model.

    A file genga.json in the folder may hold a new card's fields; `fields` win over it, and renew
    those of a card that is there. A motion adapter also needs `base`, the slug of the model that
    it animates.
    """
    family = FAMILY_OF_CLASS[read_index(folder)["_class_name"]]
    own: dict[str, Any] = {}
    if (folder / CARD_FILE).is_file():
        own = json.loads((folder / CARD_FILE).read_text())
    root = Path(settings.BASE_DIR)
    inside = folder.resolve().is_relative_to(root)
    base = _base_of(family, fields.pop("base", None) or own.pop("base", None))
    read: dict[str, Any] = {
        "base": base,
        "family": family,
        "channels": base.channels if base else _channels(folder),
        "folder": str(folder.resolve().relative_to(root) if inside else folder.resolve()),
        "weights_hash": hash_weights(folder),
        "weights_bytes": sum(path.stat().st_size for path in loaded_files(folder)),
        "parameters": _parameters(folder),
    }
    read["costs"] = _costs(slug, read)
    liked = _like_base(base, folder) if base else {"types": ["image"]}
    with transaction.atomic():
        card, _ = ModelCard.objects.update_or_create(
            slug=slug,
            defaults={**read, **fields},
            create_defaults={"name": slug, **liked, **own, **fields, **read},
        )
        if card.is_default:
            ModelCard.objects.make_default(card)
    return card


def _costs(slug: str, read: dict[str, Any]) -> dict[str, Any]:
    """What the model's parts cost; of one whose configuration cannot be built, nothing."""
    card = ModelCard(slug=slug, **read)
    known = ModelCard.objects.filter(slug=slug, weights_hash=card.weights_hash).first()
    if known is not None and known.costs:
        return dict(known.costs)
    # Counting needs torch and diffusers, seconds to import; a card with known costs needs neither.
    from generation.library import flops

    try:
        return flops.count(card.files).as_json()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError):
        logger.warning(
            "the costs of %s are guessed: its parts cannot be built", slug, exc_info=True
        )
        return {}


def _parameters(folder: Path) -> int:
    """How many numbers its weights have; files that cannot be read are refused when loaded."""
    try:
        return sum(map(count_parameters, loaded_files(folder)))
    except (OSError, SafetensorError):
        return 0


def _base_of(family: str, slug: str | None) -> ModelCard | None:
    """The registered model that an adapter animates. Raises SpecError naming `base`."""
    wanted = BASE_OF_FAMILY.get(family)
    if wanted is None:
        return None
    bases = ModelCard.objects.filter(family=wanted)
    found = bases.filter(slug=slug).first()
    if found is None:
        known = ", ".join(bases.order_by("slug").values_list("slug", flat=True)) or "none yet"
        missing = f"There is no model {slug!r}." if slug else "A motion adapter animates a model."
        raise SpecError("base", missing, f"a registered model: {known}")
    return found


def _like_base(base: ModelCard, folder: Path) -> dict[str, Any]:
    """An adapter draws what its base draws, so it likes the same settings."""
    same = ("scheduler", "guidance", "width", "height", "min_size", "max_size", "max_subjects")
    steps = ("draft_steps", "standard_steps", "final_steps")
    known = json.loads((folder / "config.json").read_text()).get("motion_max_seq_length")
    return {
        **{name: getattr(base, name) for name in (*same, *steps)},
        "types": ["video"],
        "context_frames": min(USUAL_CONTEXT, known or USUAL_CONTEXT),
    }


def _channels(folder: Path) -> int:
    """Width of the denoiser at full size, from its configuration; memory grows with it."""
    path = folder / "unet" / "config.json"
    widths = json.loads(path.read_text()).get("block_out_channels") if path.is_file() else None
    return int(widths[0]) if widths else DEFAULT_CHANNELS


def read_index(folder: Path) -> dict[str, Any]:
    """The folder's model_index.json, or the config.json of a motion adapter.

    Raises SpecError naming what is wrong with the folder.
    """
    path = folder / "model_index.json"
    if not path.is_file() and (folder / "config.json").is_file():
        path = folder / "config.json"
    if not path.is_file():
        raise SpecError("folder", f"{folder} holds no model_index.json.", "diffusers' layout")
    try:
        index: dict[str, Any] = json.loads(path.read_text())
    except ValueError as problem:
        raise SpecError(
            "folder", f"{path} is no JSON: {problem}.", "diffusers' layout"
        ) from problem
    name = index.get("_class_name")
    if name not in FAMILY_OF_CLASS:
        raise SpecError(
            "folder", f"{name} cannot be rendered yet.", ", ".join(sorted(FAMILY_OF_CLASS))
        )
    if not any(folder.rglob("*.safetensors")):
        raise SpecError("folder", f"{folder} holds no safetensors.", "weights as safetensors only")
    return index


def hash_weights(folder: Path) -> str:
    """SHA-256 in hex over the names and contents of all weights and configurations."""
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".safetensors", ".json", ".txt"} and path.name != CARD_FILE:
            total.update(path.relative_to(folder).as_posix().encode())
            with path.open("rb") as stream:
                while chunk := stream.read(READ_BYTES):
                    total.update(chunk)
    return total.hexdigest()
