"""Opens every part of a model's folder without loading its weights.

Each part is built from its configuration on torch's meta device, and the names and shapes of its
weights are compared with the tables of its safetensors files. So a folder that passes can be
loaded, except for values that are wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from safetensors import SafetensorError

from generation import refusals
from generation.errors import SpecError, public_text
from generation.pipelines.family import Family
from generation.pipelines.model_files import shapes_of, variant_of, weight_files
from generation.sentences import Sentence

Shapes = Mapping[str, tuple[int, ...]]

LIBRARIES = {"diffusers": diffusers, "transformers": transformers}
PICKLED = (".bin", ".ckpt", ".pt", ".pth")
"""Files of weights that could run code when they are read."""
NAMED = 2
"""Weights of each kind that a refusal names."""


def open_parts(folder: Path, family: Family) -> None:
    """Open all parts of a model's folder. Raises SpecError for the field `folder`."""
    if family.parts == (".",):
        config = json.loads((folder / "config.json").read_text())
        _open(folder, ".", ["diffusers", config["_class_name"]])
        return
    index = json.loads((folder / "model_index.json").read_text())
    named = {name: entry for name, entry in index.items() if isinstance(entry, list) and any(entry)}
    for name in (*family.parts, *family.other_parts):
        if name not in named:
            raise _refused(refusals.PART_NOT_NAMED, part=name)
    for name, entry in named.items():
        if name not in family.unused_parts:
            _open(folder, name, entry)


def _open(folder: Path, name: str, entry: list[Any]) -> None:
    """Open one part, which its index names by library and class."""
    part, label = folder / name, "the folder" if name == "." else name
    if not part.is_dir():
        raise _refused(refusals.PART_FOLDER_MISSING, part=label)
    library, class_name = map(str, (*entry, "", "")[:2])
    kind = getattr(LIBRARIES.get(library), class_name, None)
    if not isinstance(kind, type):
        raise _refused(refusals.PART_CLASS, part=label, class_name=public_text(class_name))
    opened: Callable[[Path, str, Any], None] = _open_other
    if issubclass(kind, diffusers.ModelMixin):
        opened = _open_diffusers_model
    elif issubclass(kind, transformers.PreTrainedModel):
        opened = _open_transformers_model
    elif issubclass(kind, transformers.PreTrainedTokenizerBase):
        opened = _open_tokenizer
    try:
        with _quiet():
            opened(part, label, kind)
    except SpecError:
        raise
    except Exception as problem:
        # The libraries raise all kinds of exceptions for configurations that make no sense.
        why = public_text(problem)
        raise _refused(refusals.PART_UNREADABLE, part=label, problem=why) from problem


def _open_diffusers_model(part: Path, label: str, kind: Any) -> None:
    found = _shapes_in(part, label)
    config = kind.load_config(part, local_files_only=True)
    with torch.device("meta"):
        model = kind.from_config(config)
    # What diffusers itself does on loading, for weights with the names of older versions.
    model._fix_state_dict_keys_on_load(found)
    ignored = kind._keys_to_ignore_on_load_unexpected or ()
    wanted = {name: tuple(weight.shape) for name, weight in model.state_dict().items()}
    _compare(
        label,
        missing=wanted.keys() - found.keys(),
        unexpected={
            name
            for name in found.keys() - wanted.keys()
            if not any(re.search(pattern, name) for pattern in ignored)
        },
        misshapen={name for name in wanted.keys() & found.keys() if wanted[name] != found[name]},
    )


def _open_transformers_model(part: Path, label: str, kind: Any) -> None:
    _shapes_in(part, label)
    # transformers compares them itself, by its own rules for weights of older versions.
    _, found = kind.from_pretrained(
        part,
        variant=variant_of(part),
        device_map="meta",
        use_safetensors=True,
        local_files_only=True,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
    )
    _compare(
        label,
        missing=set(found["missing_keys"]),
        unexpected=set(found["unexpected_keys"]),
        misshapen={name for name, *_ in found["mismatched_keys"]},
    )


def _open_tokenizer(part: Path, label: str, kind: Any) -> None:
    tokenizer = kind.from_pretrained(part, local_files_only=True)
    # transformers makes an empty one of a folder without a vocabulary.
    if len(tokenizer) <= len(set(tokenizer.all_special_tokens)):
        raise _refused(refusals.NO_VOCABULARY, part=label)


def _open_other(part: Path, _: str, kind: Any) -> None:
    """A part without weights, such as a scheduler."""
    kind.from_pretrained(part, local_files_only=True)


def _shapes_in(part: Path, label: str) -> dict[str, tuple[int, ...]]:
    """Name to shape of a part's weights. Raises SpecError for files that are not as they should."""
    files = weight_files(part)
    if not files:
        pickled = sorted(path.name for path in part.iterdir() if path.suffix in PICKLED)
        if pickled:
            raise _refused(refusals.NO_SAFETENSORS, part=label, file=pickled[0])
        raise _refused(refusals.NO_WEIGHTS, part=label)
    found: dict[str, tuple[int, ...]] = {}
    for path in files:
        name = path.name if label == "the folder" else f"{label}/{path.name}"
        if not path.is_file():
            raise _refused(refusals.WEIGHTS_MISSING, file=name)
        try:
            found.update(shapes_of(path))
        except SafetensorError as problem:
            why = public_text(str(problem))
            raise _refused(refusals.WEIGHTS_DAMAGED, file=name, problem=why) from problem
    return found


def _compare(label: str, **differences: set[str]) -> None:
    """Raise SpecError if any weight is missing, unexpected or misshapen."""
    words = [
        f"{len(names)} {kind}, such as {', '.join(sorted(names)[:NAMED])}"
        for kind, names in differences.items()
        if names
    ]
    if words:
        raise _refused(refusals.WEIGHTS_DIFFER, part=label, differences="; ".join(words))


def _refused(sentence: Sentence, **values: Any) -> SpecError:
    return SpecError("folder", sentence, "diffusers' layout, weights as safetensors", **values)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the libraries, whose warnings and bars would stand around the one sentence."""
    loggers = [library.utils.logging for library in (diffusers, transformers)]
    before = [(log, log.get_verbosity()) for log in loggers]
    for log in loggers:
        log.set_verbosity_error()
        log.disable_progress_bar()
    try:
        yield
    finally:
        for log, verbosity in before:
            log.set_verbosity(verbosity)
            log.enable_progress_bar()
