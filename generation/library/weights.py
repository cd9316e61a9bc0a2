"""The files of a model on the disk: recorded when it is registered, compared when it is loaded.

Size and time of change are compared at every load, the content only where these differ. A model
whose content has changed is not rendered with until a lead has accepted it: its hash stands in the
provenance of every picture.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

from django.utils import timezone

from generation.errors import ModelChanged
from generation.models import ModelCard

CARD_FILE = "genga.json"
"""A file with fields of the card, which is no part of the model."""
SUFFIXES = {".safetensors", ".json", ".txt"}
READ_BYTES = 1 << 20
NAMED = 3
"""The most files that a refusal names."""

Check = Callable[[], None]
"""Called while a file is read; may raise an exception to abandon the reading."""

FileRecord = dict[str, Any]
"""Of one file: `size` in bytes, `mtime_ns`, and `sha256` in hex."""


@dataclass(frozen=True, slots=True)
class Content:
    """The hash over the names and contents of a model's files, and a record of each by its name."""

    weights_hash: str
    files: dict[str, FileRecord]


def read(folder: Path, check: Check = lambda: None) -> Content:
    """Read all weight and configuration files of a folder. Raises OSError, or as `check` does."""
    whole, files = hashlib.sha256(), {}
    for name, path in _paths(folder):
        own = hashlib.sha256()
        whole.update(name.encode())
        # Taken before the content, so that a change during the reading shows at the next load.
        seen = _seen(path)
        for chunk in _chunks(path, check):
            own.update(chunk)
            whole.update(chunk)
        files[name] = {**seen, "sha256": own.hexdigest()}
    return Content(whole.hexdigest(), files)


def verify(card: ModelCard, check: Check = lambda: None) -> None:
    """Compare the files of a card, and of its base, with what was recorded of them.

    Raises ModelChanged, after noting it on the card, if their content differs; OSError for a file
    that cannot be read; or as `check` does. A missing folder is left to the loading.
    """
    if card.base is not None:
        verify(card.base, check)
    if not card.path.is_dir():
        return
    changed = _compare(card, check) if card.recorded_files else _record_first(card, check)
    if changed:
        ModelCard.objects.filter(pk=card.pk, changed_at=None).update(changed_at=timezone.now())
        more = f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
        names = ", ".join(changed[:NAMED])
        raise ModelChanged(f"The files of {card.slug} changed on disk: {names}{more}.")
    if card.changed_at is not None:
        ModelCard.objects.filter(pk=card.pk).update(changed_at=None)


def _compare(card: ModelCard, check: Check) -> list[str]:
    """The names of files that were added, removed or changed.

    If only times differ, the new ones are recorded, so that the content is not read again.
    """
    paths, files = dict(_paths(card.path)), dict(card.recorded_files)
    if changed := sorted(paths.keys() ^ files.keys()):
        return changed
    for name, path in paths.items():
        seen, known = _seen(path), files[name]
        if seen == {"size": known["size"], "mtime_ns": known["mtime_ns"]}:
            continue
        if seen["size"] != known["size"] or _hash(path, check) != known["sha256"]:
            changed.append(name)
        files[name] = {**known, **seen}
    if not changed and files != card.recorded_files:
        ModelCard.objects.filter(pk=card.pk).update(recorded_files=files)
    return changed


def _record_first(card: ModelCard, check: Check) -> list[str]:
    """Record the files of an older card; the names of all if their content is another by now."""
    content = read(card.path, check)
    if content.weights_hash != card.weights_hash:
        return sorted(content.files)
    ModelCard.objects.filter(pk=card.pk).update(recorded_files=content.files)
    return []


def _paths(folder: Path) -> Iterator[tuple[str, Path]]:
    """The files by name. Folders and pipes are none, whatever their name."""
    for path in sorted(folder.rglob("*")):
        if path.suffix in SUFFIXES and path.name != CARD_FILE and path.is_file():
            yield path.relative_to(folder).as_posix(), path


def _seen(path: Path) -> FileRecord:
    found = path.stat()
    return {"size": found.st_size, "mtime_ns": found.st_mtime_ns}


def _hash(path: Path, check: Check) -> str:
    content = hashlib.sha256()
    for chunk in _chunks(path, check):
        content.update(chunk)
    return content.hexdigest()


def _chunks(path: Path, check: Check) -> Iterator[bytes]:
    """The content of a file. Raises OSError with its name, or as `check` does."""
    with path.open("rb") as stream:
        while chunk := _next(stream):
            check()
            yield chunk


def _next(stream: BufferedReader) -> bytes:
    try:
        return stream.read(READ_BYTES)
    except OSError as problem:
        # Unlike an error of opening, one of reading does not name the file.
        problem.filename = stream.name
        raise
