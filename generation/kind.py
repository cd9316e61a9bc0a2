"""What a kind of job is: the queue, the claim, progress and cancelling name none of them.

Each kind is a package in `generation/kinds/` that declares `KIND`. A package is imported when its
kind is asked for, so that this module imports nothing but the standard library.
"""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

PACKAGE = "generation.kinds"


@dataclass(frozen=True, kw_only=True, slots=True)
class JobKind:
    """One kind of job.

    `spec_class` reads and writes the job's settings. `executor` is the path `module:name` of the
    subclass of `generation.worker.execution.Execution` that runs its attempts, `cost` that of the
    module that knows what its stages cost (`generation.estimating.cost.JobCost`). `unit` is what
    progress counts ("step", "frame"), `card` the template of its settings.
    """

    name: str
    spec_class: Any
    executor: str
    cost: str
    unit: str
    card: str


@cache
def kind_named(name: str) -> JobKind:
    """The kind of that name. Raises KeyError for one that is not there."""
    if name not in names():
        raise KeyError(name)
    kind: JobKind = import_module(f"{PACKAGE}.{name}").KIND
    return kind


@cache
def names() -> tuple[str, ...]:
    """The names of all kinds."""
    folder = Path(__file__).with_name("kinds")
    return tuple(sorted(one.name for one in pkgutil.iter_modules([str(folder)])))
