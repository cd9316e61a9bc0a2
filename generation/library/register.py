"""Registers a model's folder: checks it, recognises its family, hashes its content."""

import json
import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction

from generation import refusals
from generation.errors import SpecError, public_text
from generation.library import weights
from generation.library.weights import CARD_FILE
from generation.models import ModelCard
from generation.pipelines.family import Family
from generation.pipelines.model_files import INDEX_FILES, count_parameters, loaded_files
from generation.pipelines.registry import class_names, count_costs, family_of_class, open_parts

logger = logging.getLogger(__name__)


def register(folder: Path, slug: str, **fields: Any) -> ModelCard:
    """Create or update the card of the model in `folder`. Raises SpecError for other folders.

    Every part of the model is opened first, without loading its weights. A file genga.json in the
    folder may contain fields of a new card. `fields` override it, and update an existing card. A
    motion adapter also needs `base`, the slug of the model that it animates.
    """
    _check_slug(slug)
    base = fields.pop("base", None)
    try:
        read, new = _contents(folder, slug, base, fields)
    except OSError as problem:
        path = Path(problem.filename or folder.absolute())
        raise _unreadable(path, problem) from problem
    _check_fields(ModelCard(slug=slug, **new), read)
    with transaction.atomic():
        card, _ = ModelCard.objects.update_or_create(
            slug=slug, defaults={**read, **fields}, create_defaults=new
        )
        if card.is_default:
            ModelCard.objects.make_default(card)
    return card


def _contents(
    folder: Path, slug: str, base_slug: str | None, fields: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """What is read from the folder of a model, and all fields of a new card for it."""
    family = recognise(folder)
    own = _fields_of(folder)
    open_parts(folder, family)
    root = Path(settings.BASE_DIR)
    inside = folder.resolve().is_relative_to(root)
    content = weights.read(folder)
    base = _base_of(family, base_slug or own.pop("base", None))
    files = loaded_files(folder, family.parts)
    read: dict[str, Any] = {
        "base": base,
        "family": family.name,
        "channels": base.channels if base else family.width(folder),
        "folder": str(folder.resolve().relative_to(root) if inside else folder.resolve()),
        "weights_hash": content.weights_hash,
        "recorded_files": content.files,
        "changed_at": None,
        "weights_bytes": sum(path.stat().st_size for path in files),
        "parameters": sum(map(count_parameters, files)),
    }
    read["costs"] = _costs(slug, read)
    usual = {"types": list(family.media_types), **family.card_fields(folder)}
    if base:
        usual.update(_like_base(base))
    return read, {"name": slug, **usual, **own, **fields, **read}


def _unreadable(path: Path, problem: OSError) -> SpecError:
    """The refusal of a model with a file that cannot be read."""
    place = {"file": path.name, "problem": problem.strerror or public_text(problem)}
    return SpecError("folder", refusals.FILE_UNREADABLE, "files that this server may read", **place)


def _check_slug(slug: str) -> None:
    """Raise SpecError unless requests and addresses can name a model so."""
    field = ModelCard._meta.get_field("slug")
    try:
        field.run_validators(field.to_python(slug))
    except ValidationError:
        allowed = f"1 to {field.max_length} letters, digits, hyphens and underscores"
        raise SpecError("slug", refusals.SLUG_UNUSABLE, allowed, slug=slug) from None
    if not slug:
        raise SpecError("slug", refusals.SLUG_UNUSABLE, "at least one letter", slug=slug)


def _fields_of(folder: Path) -> dict[str, Any]:
    """The card's fields in the folder's genga.json. Raises SpecError for a file that is no card."""
    path = folder / CARD_FILE
    if not path.is_file():
        return {}
    found = _read_json(path)
    names = {field.name for field in ModelCard._meta.concrete_fields} - {"id", "slug"}
    if not isinstance(found, dict):
        raise SpecError("folder", refusals.CARD_NO_OBJECT, ", ".join(sorted(names)), file=path.name)
    for name in found.keys() - names:
        allowed = ", ".join(sorted(names))
        raise SpecError("folder", refusals.CARD_FIELD_UNKNOWN, allowed, file=path.name, name=name)
    return found


def _check_fields(card: ModelCard, read: Collection[str]) -> None:
    """Raise SpecError for a value that the card cannot hold; `read` was not told by anybody."""
    try:
        card.clean_fields(exclude=read)
    except ValidationError as problem:
        name, (first, *_) = next(iter(problem.message_dict.items()))
        raise SpecError(name, refusals.CARD_FIELD_INVALID, name=name, problem=first) from problem


def _read_json(path: Path) -> Any:
    """The content of a JSON file. Raises SpecError with the reason, and the line that is wrong."""
    try:
        return json.loads(path.read_bytes())
    except OSError as problem:
        raise _unreadable(path, problem) from problem
    except json.JSONDecodeError as problem:
        place = {"file": path.name, "line": problem.lineno, "problem": problem.msg}
        raise SpecError("folder", refusals.INDEX_NOT_JSON, "JSON", **place) from problem
    except (ValueError, RecursionError) as problem:
        place = {"file": path.name, "line": 1, "problem": public_text(problem)}
        raise SpecError("folder", refusals.INDEX_NOT_JSON, "JSON in UTF-8", **place) from problem


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
    layout, told = "diffusers' layout", folder.absolute().name
    if not folder.exists():
        raise SpecError("folder", refusals.FOLDER_MISSING, layout, folder=told)
    if not folder.is_dir():
        raise SpecError("folder", refusals.NOT_A_FOLDER, layout, folder=told)
    path = next((folder / name for name in INDEX_FILES if (folder / name).is_file()), None)
    if path is None:
        file = INDEX_FILES[0]
        raise SpecError("folder", refusals.NO_MODEL_INDEX, layout, folder=told, file=file)
    index = _read_json(path)
    name = index.get("_class_name") if isinstance(index, dict) else None
    family = family_of_class(name) if isinstance(name, str) else None
    if family is None:
        raise SpecError(
            "folder", refusals.CLASS_NOT_SUPPORTED, ", ".join(class_names()), class_name=name
        )
    return family


def hash_weights(folder: Path) -> str:
    """SHA-256 in hex over the names and contents of all weight and configuration files."""
    return weights.read(folder).weights_hash
