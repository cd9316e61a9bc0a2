"""The state of a diffusers scheduler between two steps, as plain data.

Multistep solvers keep earlier predictions, some also a sample or a counter, under names that
differ from class to class. Therefore everything in the scheduler's `__dict__` is copied except its
configuration, which `build_scheduler` makes anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

CONFIGURATION = frozenset({"_internal_dict"})
"""The attribute in which diffusers' ConfigMixin keeps a scheduler's configuration."""

Change = Callable[[str, Any], Any]
"""(path such as `model_outputs/0`, value that is no list, tuple or dict) to the new value."""


def take(scheduler: Any) -> dict[str, Any]:
    """A copy of the state on the CPU: `values` by name, and the paths that were `elsewhere`.

    Values are None, bool, int, float, str, numpy numbers and arrays, tensors, and lists, tuples
    and dictionaries of these. Raises TypeError when the scheduler holds anything else.
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
    """Restore the state that `take` copied from a scheduler of the same class.

    Tensors that were not on the CPU go to `device`. The state itself is not changed.
    """
    elsewhere = frozenset(state["elsewhere"])

    def copy(path: str, value: Any) -> Any:
        if isinstance(value, torch.Tensor):
            return value.to(device if path in elsewhere else "cpu", copy=True)
        return value.copy() if isinstance(value, np.ndarray) else value

    own = {name: value for name, value in vars(scheduler).items() if name in CONFIGURATION}
    vars(scheduler).clear()
    vars(scheduler).update(own | _changed(state["values"], copy))


def can_be_taken(scheduler: Any) -> bool:
    """False for a scheduler that holds more than plain data, such as one with a Brownian tree."""
    try:
        _changed(_state(scheduler), _plain)
    except TypeError:
        return False
    return True


def keep_rows(scheduler: Any, rows: Sequence[int], shape: torch.Size) -> None:
    """Reduce the latents of `shape` (B, ...) that the scheduler keeps to these rows of B."""

    def cut(_: str, value: Any) -> Any:
        is_latents = isinstance(value, torch.Tensor) and value.shape == shape
        return value[list(rows)] if is_latents else value

    vars(scheduler).update(_changed(_state(scheduler), cut))


def _state(scheduler: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(scheduler).items() if name not in CONFIGURATION}


def _changed(value: Any, change: Change, path: str = "") -> Any:
    """The same lists, tuples and dictionaries with every other value replaced by `change`."""
    prefix = f"{path}/" if path else ""
    if type(value) is dict:
        return {key: _changed(item, change, f"{prefix}{key}") for key, item in value.items()}
    if type(value) in (list, tuple):
        items = (_changed(item, change, f"{prefix}{at}") for at, item in enumerate(value))
        return type(value)(items)
    return change(path, value)


def _plain(path: str, value: Any) -> Any:
    """Return the value. Raises TypeError when it is not plain data."""
    if isinstance(value, np.ndarray | np.generic):
        plain = value.dtype.kind in "biuf"
    else:
        plain = value is None or type(value) in (bool, int, float, str, torch.Tensor)
    if not plain:
        raise TypeError(f"{path} is a {type(value).__name__}, which is no plain data")
    return value
