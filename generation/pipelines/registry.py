"""The registry of families: every package under `families/` that declares a FAMILY."""

from __future__ import annotations

import pkgutil
import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING

from generation.errors import ModelUnreadable
from generation.pipelines import families as packages
from generation.pipelines.family import Family

if TYPE_CHECKING:
    from pathlib import Path

    import torch

    from generation.pipelines.base import Check, Loader, Pipeline
    from generation.pipelines.costs import Costs
    from generation.pipelines.model_files import ModelFiles

_importing = threading.Lock()
"""Held while diffusers is imported. diffusers replaces its own entry in `sys.modules` during its
import: a second thread that imports it at the same time gets the first, empty module, and then an
ImportError."""


@cache
def families() -> Mapping[str, Family]:
    """Name to family, in the order of the packages' names."""
    names = sorted(module.name for module in pkgutil.iter_modules(packages.__path__))
    declared = [import_module(f"{packages.__name__}.{name}").FAMILY for name in names]
    return MappingProxyType({family.name: family for family in declared})


def family(name: str) -> Family:
    """The family of that name.

    For a name without a package, such as that of a card from another version, the result is a
    family without any capability: `load` refuses its models, so callers need no special case.
    """
    return families().get(name) or Family(name=name, label=name)


def family_of_class(class_name: str) -> Family | None:
    """The family whose folders have this class in their index file; None for an unknown class."""
    return next((one for one in families().values() if class_name in one.class_names), None)


def class_names() -> list[str]:
    """The index file classes of all families, sorted by name."""
    return sorted(name for one in families().values() for name in one.class_names)


def load(
    files: ModelFiles, device: torch.device, dtype: torch.dtype, check: Check = lambda: None
) -> Pipeline:
    """Load the model into the memory of `device`.

    Raises ModelMissing, ModelUnreadable, or what `check` raises.
    """
    path = family(files.family).loader
    if not path:
        raise ModelUnreadable(f"No pipeline renders the family {files.family!r}.")
    with _importing:
        loader: Loader = pkgutil.resolve_name(path)
    return loader(files, device, dtype, check)


def count_costs(files: ModelFiles) -> Costs:
    """Count a model's FLOPs from the configuration in its folder.

    Raises OSError, ValueError or TypeError for a folder that is not a model of its family.
    """
    own = family(files.family)
    with _importing:
        count = pkgutil.resolve_name(own.costs)
    costs: Costs = count(files)
    return replace(costs, latent_pixels=own.latent_pixels)


def warm_up() -> None:
    """Import the libraries of all families, which takes some seconds, and silence their output.

    Called while a worker starts, so that its first job spends time only on reading weights.
    """
    with _importing:
        from diffusers.utils import logging as diffusers_logging
        from transformers.utils import logging as transformers_logging

        for logging in (diffusers_logging, transformers_logging):
            logging.set_verbosity_error()
            logging.disable_progress_bar()
        for one in families().values():
            pkgutil.resolve_name(one.loader)


def open_parts(folder: Path, own: Family) -> None:
    """Open all parts of a model's folder without loading weights, see `opening.open_parts`.

    Raises SpecError for the field `folder`.
    """
    with _importing:
        check = pkgutil.resolve_name("generation.pipelines.opening:open_parts")
    check(folder, own)
