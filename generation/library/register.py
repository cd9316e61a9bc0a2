"""Registers a model's folder: checks it, recognises its family, hashes its content."""

import json
import logging
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from safetensors import SafetensorError

from generation import refusals
from generation.errors import SpecError
from generation.library import weights
from generation.library.weights import CARD_FILE
from generation.models import ModelCard
from generation.pipelines.family import Family
from generation.pipelines.model_files import INDEX_FILES, count_parameters, loaded_files
from generation.pipelines.registry import class_names, count_costs, family_of_class

logger = logging.getLogger(__name__)


def register(folder: Path, slug: str, **fields: Any) -> ModelCard:
    """Create or update the card of the model in `folder`. Raises SpecError for other folders.

    A file genga.json in the folder may contain fields of a new card. `fields` override it, and
    update an existing card. A motion adapter also needs `base`, the slug of the model that it
    animates.
    """
    family = recognise(folder)
    own: dict[str, Any] = {}
    if (folder / CARD_FILE).is_file():
        own = json.loads((folder / CARD_FILE).read_text())
    root = Path(settings.BASE_DIR)
    inside = folder.resolve().is_relative_to(root)
    content = weights.read(folder)
    base = _base_of(family, fields.pop("base", None) or own.pop("base", None))
    read: dict[str, Any] = {
        "base": base,
        "family": family.name,
        "channels": base.channels if base else family.width(folder),
        "folder": str(folder.resolve().relative_to(root) if inside else folder.resolve()),
        "weights_hash": content.weights_hash,
        "recorded_files": content.files,
        "changed_at": None,
        "weights_bytes": sum(path.stat().st_size for path in loaded_files(folder, family.parts)),
        "parameters": _parameters(folder, family),
    }
    read["costs"] = _costs(slug, read)
    usual = {"types": list(family.media_types), **family.card_fields(folder)}
    if base:
        usual.update(_like_base(base))
    with transaction.atomic():
        card, _ = ModelCard.objects.update_or_create(
            slug=slug,
            defaults={**read, **fields},
            create_defaults={"name": slug, **usual, **own, **fields, **read},
        )
        if card.is_default:
            ModelCard.objects.make_default(card)
    return card


def _costs(slug: str, read: dict[str, Any]) -> dict[str, Any]:
    """FLOPs of the model's parts; empty for a model whose configuration cannot be built."""
    card = ModelCard(slug=slug, **read)
    known = ModelCard.objects.filter(slug=slug, weights_hash=card.weights_hash).first()
    if known is not None and known.costs:
        return dict(known.costs)
    try:
        return count_costs(card.files).as_json()
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError):
        logger.warning(
            "the costs of %s are those of a usual model: its parts cannot be built",
            slug,
            exc_info=True,
        )
        return {}


def _parameters(folder: Path, family: Family) -> int:
    """The number of parameters; 0 for files that cannot be read, which loading will refuse."""
    try:
        return sum(map(count_parameters, loaded_files(folder, family.parts)))
    except (OSError, SafetensorError):
        return 0


def _base_of(family: Family, slug: str | None) -> ModelCard | None:
    """The registered model that an adapter animates. Raises SpecError for the field `base`."""
    if family.base is None:
        return None
    bases = ModelCard.objects.filter(family=family.base)
    found = bases.filter(slug=slug).first()
    if found is None:
        known = ", ".join(bases.order_by("slug").values_list("slug", flat=True)) or "none yet"
        missing = refusals.BASE_NOT_FOUND if slug else refusals.BASE_NOT_NAMED
        raise SpecError("base", missing, f"a registered model: {known}", slug=slug)
    return found


def _like_base(base: ModelCard) -> dict[str, Any]:
    """The base's settings for an adapter, which renders the same kind of pictures."""
    same = ("scheduler", "guidance", "width", "height", "min_size", "max_size", "max_subjects")
    steps = ("draft_steps", "standard_steps", "final_steps")
    return {name: getattr(base, name) for name in (*same, *steps)}


def recognise(folder: Path) -> Family:
    """The family of the model in a folder, from the class that its index file names.

    Raises SpecError with the reason for a folder that is not a supported model.
    """
    path = next((folder / name for name in INDEX_FILES if (folder / name).is_file()), None)
    if path is None:
        raise SpecError(
            "folder",
            refusals.NO_MODEL_INDEX,
            "diffusers' layout",
            folder=folder,
            file=INDEX_FILES[0],
        )
    try:
        name = json.loads(path.read_text()).get("_class_name")
    except ValueError as problem:
        raise SpecError(
            "folder", refusals.INDEX_NOT_JSON, "diffusers' layout", file=path, problem=problem
        ) from problem
    family = family_of_class(name)
    if family is None:
        raise SpecError(
            "folder", refusals.CLASS_NOT_SUPPORTED, ", ".join(class_names()), class_name=name
        )
    if not any(folder.rglob("*.safetensors")):
        raise SpecError(
            "folder", refusals.NO_SAFETENSORS, "weights as safetensors only", folder=folder
        )
    return family


def hash_weights(folder: Path) -> str:
    """SHA-256 in hex over the names and contents of all weight and configuration files."""
    return weights.read(folder).weights_hash
