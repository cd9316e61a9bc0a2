"""Formulas of other programs for run times, from their published descriptions.

They are for comparison only, on the same records as our estimator. All learn the jobs in order.
"""

from __future__ import annotations

from collections import defaultdict, deque
from statistics import mean, median
from typing import Protocol

from generation.estimating.shapes import parse

LATEST = 20
"""Number of jobs that ComfyUI's front end averages."""


class Peer(Protocol):
    """An estimator that learns the run time of each job after estimating it."""

    def estimate(self, shape: str) -> float | None:
        """Estimated seconds; None without any history."""

    def learn(self, shape: str, seconds: float) -> None:
        """Learn the run time of a job."""


class SwarmUI:
    """The session's mean time of a generation times the number of waiting ones, here one."""

    def __init__(self) -> None:
        self._total, self._count = 0.0, 0

    def estimate(self, shape: str) -> float | None:
        """The mean of all jobs so far."""
        return self._total / self._count if self._count else None

    def learn(self, shape: str, seconds: float) -> None:
        """Add the run time of a job."""
        self._total += seconds
        self._count += 1


class AIHorde:
    """Waiting work divided by the mean speed. Work is counted in megapixel-steps."""

    def __init__(self) -> None:
        self._speeds: list[float] = []

    def estimate(self, shape: str) -> float | None:
        """The job's work divided by the mean speed of the jobs before."""
        return _work(shape) / mean(self._speeds) if self._speeds else None

    def learn(self, shape: str, seconds: float) -> None:
        """Add the speed of a job."""
        self._speeds.append(_work(shape) / seconds)


class ComfyUI:
    """The mean of the last twenty jobs of any kind."""

    def __init__(self) -> None:
        self._latest: deque[float] = deque(maxlen=LATEST)

    def estimate(self, shape: str) -> float | None:
        """The mean of the latest jobs."""
        return mean(self._latest) if self._latest else None

    def learn(self, shape: str, seconds: float) -> None:
        """Add the run time of a job."""
        self._latest.append(seconds)


class ComfyUIUpper(ComfyUI):
    """The 75th percentile that the same front end shows, taken as the estimate."""

    def estimate(self, shape: str) -> float | None:
        """The 75th percentile."""
        ordered = sorted(self._latest)
        return ordered[int(0.75 * (len(ordered) - 1))] if ordered else None


class ShapeMedian:
    """The median of jobs with the same shape, or of all jobs if there are none."""

    def __init__(self) -> None:
        self._alike: dict[str, list[float]] = defaultdict(list)
        self._all: list[float] = []

    def estimate(self, shape: str) -> float | None:
        """The median of the shape."""
        known = self._alike.get(shape) or self._all
        return median(known) if known else None

    def learn(self, shape: str, seconds: float) -> None:
        """Add the run time of a job."""
        self._alike[shape].append(seconds)
        self._all.append(seconds)


def peers() -> dict[str, Peer]:
    """New instances of all, by name."""
    return {
        "SwarmUI": SwarmUI(),
        "AI-Horde": AIHorde(),
        "ComfyUI mean": ComfyUI(),
        "ComfyUI p75": ComfyUIUpper(),
        "median of the like": ShapeMedian(),
    }


def _work(text: str) -> float:
    """Megapixel-steps of all frames; the megapixels of an enhancement, which has no steps."""
    shape = parse(text)
    pixels = shape.width * shape.height * shape.frames / 1e6
    return pixels * max(1, shape.denoising_steps)
