"""The formulas by which other programs estimate run times, from their published descriptions.

For comparison only, each on the same log as ours. All see the jobs that ended before, in order.
"""

from __future__ import annotations

from collections import defaultdict, deque
from statistics import mean, median
from typing import Protocol

from generation.estimating.shapes import parse

LATEST = 20
"""How many jobs ComfyUI's front end looks back."""


class Peer(Protocol):
    """Estimates one job after the other and is then told what it took."""

    def estimate(self, shape: str) -> float | None:
        """Seconds; None while it knows nothing."""

    def learn(self, shape: str, seconds: float) -> None:
        """What a job took."""


class SwarmUI:
    """The session's mean time of a generation, times those that wait: here one at a time."""

    def __init__(self) -> None:
        self._total, self._count = 0.0, 0

    def estimate(self, shape: str) -> float | None:
        """The mean of everything so far."""
        return self._total / self._count if self._count else None

    def learn(self, shape: str, seconds: float) -> None:
        """Add the run time of a job."""
        self._total += seconds
        self._count += 1


class AIHorde:
    """Waiting work over the mean speed, work being megapixel-steps."""

    def __init__(self) -> None:
        self._speeds: list[float] = []

    def estimate(self, shape: str) -> float | None:
        """This job's work at the mean speed of those before."""
        return _work(shape) / mean(self._speeds) if self._speeds else None

    def learn(self, shape: str, seconds: float) -> None:
        """Add the speed of a job."""
        self._speeds.append(_work(shape) / seconds)


class ComfyUI:
    """The mean of the last twenty jobs, whatever they were; its upper end is their p75."""

    def __init__(self) -> None:
        self._latest: deque[float] = deque(maxlen=LATEST)

    def estimate(self, shape: str) -> float | None:
        """The mean."""
        return mean(self._latest) if self._latest else None

    def learn(self, shape: str, seconds: float) -> None:
        """Add the run time of a job."""
        self._latest.append(seconds)


class ComfyUIUpper(ComfyUI):
    """The same front end's p75, as if somebody took that for the estimate."""

    def estimate(self, shape: str) -> float | None:
        """Three of four were quicker."""
        ordered = sorted(self._latest)
        return ordered[int(0.75 * (len(ordered) - 1))] if ordered else None


class ShapeMedian:
    """The median of jobs with exactly the same settings; of all jobs where there are none."""

    def __init__(self) -> None:
        self._alike: dict[str, list[float]] = defaultdict(list)
        self._all: list[float] = []

    def estimate(self, shape: str) -> float | None:
        """The median of the like."""
        known = self._alike.get(shape) or self._all
        return median(known) if known else None

    def learn(self, shape: str, seconds: float) -> None:
        """Add the run time of a job."""
        self._alike[shape].append(seconds)
        self._all.append(seconds)


def peers() -> dict[str, Peer]:
    """A fresh one of each, by name."""
    return {
        "SwarmUI": SwarmUI(),
        "AI-Horde": AIHorde(),
        "ComfyUI mean": ComfyUI(),
        "ComfyUI p75": ComfyUIUpper(),
        "median of the like": ShapeMedian(),
    }


def _work(text: str) -> float:
    """Megapixel-steps of all frames; of a file that is only enhanced, its megapixels."""
    shape = parse(text)
    pixels = shape.width * shape.height * shape.frames / 1e6
    return pixels * max(1, shape.denoising_steps)
