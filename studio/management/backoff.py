"""How long to wait before a process is started again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds between restarts, and when a worker that ends again and again is set aside."""

    first: float = 1.0
    most_doubled: int = 5
    """The longest wait is the first one, doubled so often."""
    calm: float = 60.0
    """After a run of this length the next wait is `first` again."""
    ends: int = 5
    ends_within: float = 600.0
    """A worker's device is set aside after `ends` ends within this time."""
    rest: float = 600.0
    """How long it is set aside."""

    @property
    def longest(self) -> float:
        """The longest wait."""
        return float(self.first * 2**self.most_doubled)


class Backoff:
    """Waits between the starts of one process: each twice as long as the one before."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._next = patience.first

    def after(self, ran: float) -> float:
        """Seconds to wait after a run of `ran` seconds."""
        if ran >= self._patience.calm:
            self._next = self._patience.first
        wait = self._next
        self._next = min(2 * wait, self._patience.longest)
        return wait

    def reset(self) -> None:
        """Begin with the shortest wait again."""
        self._next = self._patience.first
