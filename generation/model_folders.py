"""Reading a model's folder: is it one, which family, which content."""

import hashlib
import json
from pathlib import Path
from typing import Any

from django.conf import settings

from generation.errors import SpecError
from generation.models import ModelCard
from generation.pipelines.families import FAMILY_OF_CLASS

READ_BYTES = 1 << 20
CARD_FILE = "genga.json"


def register(folder: Path, slug: str, **fields: Any) -> ModelCard:
    """Write or renew the card of the model in `folder`. Raises SpecError for what is no model.

    A file genga.json in the folder may hold the card's fields; `fields` win over it.
    """
    index = read_index(folder)
    own: dict[str, Any] = {}
    if (folder / CARD_FILE).is_file():
        own = json.loads((folder / CARD_FILE).read_text())
    root = Path(settings.BASE_DIR)
    inside = folder.resolve().is_relative_to(root)
    described = {
        "name": slug,
        "types": ["image"],
        **own,
        **fields,
        "family": FAMILY_OF_CLASS[index["_class_name"]],
        "folder": str(folder.resolve().relative_to(root) if inside else folder.resolve()),
        "weights_hash": hash_weights(folder),
    }
    card, _ = ModelCard.objects.update_or_create(slug=slug, defaults=described)
    return card


def read_index(folder: Path) -> dict[str, Any]:
    """The folder's model_index.json. Raises SpecError naming what is wrong with the folder."""
    path = folder / "model_index.json"
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
