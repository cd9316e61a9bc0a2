"""What a diffusers scheduler has in mind between two steps, as plain data.

Multistep solvers remember earlier predictions, some remember a sample or a counter, and what
each of them is called differs from class to class. So everything in the scheduler's `__dict__`
is taken but its configuration, which `build_scheduler` makes anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

CONFIGURATION = frozenset({"_internal_dict"})
"""Where diffusers' ConfigMixin keeps what a scheduler was made with."""

Change = Callable[[str, Any], Any]
"""(path such as `model_outputs/0`, value that is no list, tuple or dict) to what replaces it."""


def take(scheduler: Any) -> dict[str, Any]:
    """A copy of the state, on the CPU: `values` by name, and the paths that were `elsewhere`.

    Values are None, bool, int, float, str, numbers and arrays of numpy, tensors, and lists,
    tuples and dictionaries of those. Raises TypeError when the scheduler holds anything else.
    """
    elsewhere: list[str] = []

    def copy(path: str, value: Any) -> Any:
        _plain(path, value)
        if isinstance(value, torch.Tensor):
            if value.device.type != "cpu":
                elsewhere.append(path)
            return value.detach().to("cpu", copy=True)
        return value.copy() if isinstance(value, np.ndarray) else value

    return {"values": _changed(_state(scheduler), copy), "elsewhere": elsewhere}


def put_back(scheduler: Any, state: dict[str, Any], device: torch.device) -> None:
    """Give a scheduler the state that `take` has copied from another of its class.

    What was not on the CPU goes to `device`. The state itself is left as it is.
    """
    elsewhere = frozenset(state["elsewhere"])

    def copy(path: str, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value.to(device if path in elsewhere else "cpu", copy=True)
        return value.copy() if isinstance(value, np.ndarray) else value

    made = {name: value for name, value in vars(scheduler).items() if name in CONFIGURATION}
    vars(scheduler).clear()
    vars(scheduler).update(made | _changed(state["values"], copy))


def can_be_taken(scheduler: Any) -> bool:
    """False for a scheduler that holds more than plain data, as those with a Brownian tree do."""
    try:
        _changed(_state(scheduler), _plain)
    except TypeError:
        return False
    return True


def keep_rows(scheduler: Any, rows: Sequence[int], shape: torch.Size) -> None:
    """Cut what the scheduler remembers of latents of `shape` (B, ...) to these rows of B."""

    def cut(_: str, value: Any) -> Any:
        remembered = isinstance(value, torch.Tensor) and value.shape == shape
        return value[list(rows)] if remembered else value

    vars(scheduler).update(_changed(_state(scheduler), cut))


def _state(scheduler: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(scheduler).items() if name not in CONFIGURATION}


def _changed(value: Any, change: Change, path: str = "") -> Any:
    """The same lists, tuples and dictionaries with every other value changed."""
    within = f"{path}/" if path else ""
    if type(value) is dict:
        return {key: _changed(item, change, f"{within}{key}") for key, item in value.items()}
    if type(value) in (list, tuple):
        items = (_changed(item, change, f"{within}{at}") for at, item in enumerate(value))
        return type(value)(items)
    return change(path, value)


def _plain(path: str, value: Any) -> Any:
    """The value itself. Raises TypeError when it is no plain data."""
    if isinstance(value, np.ndarray | np.generic):
        plain = value.dtype.kind in "biuf"
    else:
        plain = value is None or type(value) in (bool, int, float, str, torch.Tensor)
    if not plain:
        raise TypeError(f"{path} is a {type(value).__name__}, which is no plain data")
    return value
