"""Detects a device: its kind, its name and its memory, from torch and the operating system."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from generation.errors import SettingError
from generation.states import Work

# The functions import torch when they are called, because the import takes seconds and commands
# that only mention devices import this module too.
if TYPE_CHECKING:
    import torch

RESIDENT_SHARE = 0.6
"""The share of a device's memory that loaded models may keep between jobs."""

LEAST_FOR_VIDEO = 3 * 1024**3
"""A device with less memory, in bytes, is not set up for videos automatically."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """A device as torch reports it; memory in bytes."""

    name: str
    kind: str
    label: str
    memory_bytes: int
    torch_device: torch.device
    dtype: torch.dtype

    @property
    def works(self) -> list[Work]:
        """The work that the device takes until a lead changes it."""
        if self.memory_bytes < LEAST_FOR_VIDEO:
            return [work for work in Work if work != Work.VIDEO]
        return list(Work)

    @property
    def resident_bytes(self) -> int:
        """The bytes that loaded models may keep."""
        return int(self.memory_bytes * RESIDENT_SHARE)


def detect(name: str) -> Hardware:
    """Detect the device `name` (cpu, cpu:1, cuda:0). Raises SettingError when it does not exist.

    A machine may have several CPU devices, which share its cores.
    """
    import torch

    kind, _, number = name.partition(":")
    if number and not number.isdigit():
        raise SettingError(f"device {name!r}: write it as cpu:0 or cuda:0")
    if kind == "cpu":
        memory = psutil.virtual_memory().total
        return Hardware(name, "cpu", _cpu_label(), memory, torch.device("cpu"), torch.float32)
    if kind == "cuda":
        return _detect_cuda(name, int(number or 0))
    raise SettingError(f"device {name!r}: allowed are cpu and cuda, with a number like cuda:0")


def available() -> list[str]:
    """The devices of this machine: every CUDA card, or the CPU if there is none."""
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return [f"cuda:{number}" for number in range(count)] or ["cpu:0"]


def free_memory(device: torch.device) -> int:
    """Bytes that are free or that this process could return: no other program uses them."""
    if device.type == "cuda":
        import torch

        free, _ = torch.cuda.mem_get_info(device)
        return int(free + torch.cuda.memory_reserved(device))
    own = psutil.Process().memory_info()
    # Pages backed by files, such as libraries, already count as available.
    return int(psutil.virtual_memory().available + own.rss - getattr(own, "shared", 0))


def _detect_cuda(name: str, number: int) -> Hardware:
    import torch

    if not torch.cuda.is_available() or number >= torch.cuda.device_count():
        raise SettingError(f"device {name!r}: this machine has no such CUDA device")
    properties = torch.cuda.get_device_properties(number)
    return Hardware(
        name,
        "cuda",
        properties.name,
        properties.total_memory,
        torch.device("cuda", number),
        torch.float16,
    )


def _cpu_label() -> str:
    """The processor's name with its cores, such as "AMD EPYC, 2 cores"."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    cores = os.cpu_count() or 1
    return f"{model}, {cores} core{'s' if cores > 1 else ''}"
